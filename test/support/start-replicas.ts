import { startRedis } from './redis.ts';
import { createClock, startApp, type StartAppOptions } from './start-app.ts';

/** Two BFFs in front of one Auth Service that share one real Redis. */
export const startReplicas = async (options: Omit<StartAppOptions, 'now' | 'upstream'> = {}) => {
  const clock = createClock();
  const redis = await startRedis();
  const env = { REDIS_URL: redis.url, ...options.env };
  const first = await startApp({ ...options, env, now: clock.now });
  const second = await startApp({ ...options, env, now: clock.now, upstream: first.authService });
  return {
    clock,
    redis,
    authService: first.authService,
    first,
    second,
    async [Symbol.asyncDispose]() {
      await second[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      await redis[Symbol.asyncDispose]();
    },
  };
};

export type Replicas = Awaited<ReturnType<typeof startReplicas>>;
