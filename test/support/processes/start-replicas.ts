import type { Browser } from '../app/browser.ts';
import { inRedis } from '../redis/in-redis.ts';
import { type RedisServer, startRedis } from '../redis/redis.ts';
import { createClock, startApp, type StartAppOptions, type TestApp } from '../app/start-app.ts';
import { createTimers } from '../time/timers.ts';

/** For a Redis that is there: as long as any machine takes. */
export const patientRedisMs = 60_000;

export type StartReplicasOptions = Omit<StartAppOptions, 'now' | 'upstream'> & {
  /** A running Redis, which is emptied. Default: a new one. */
  redis?: RedisServer;
};

/** Two BFFs in front of one Auth Service that share one real Redis, and do without it only when a test says so. */
export const startReplicas = async ({ redis: given, ...options }: StartReplicasOptions = {}) => {
  const clock = createClock();
  const redisTimers = createTimers();
  const redis = given ?? (await startRedis());
  if (given !== undefined) await inRedis(given, (client) => client.flushall());
  const env = { REDIS_URL: redis.url, ...options.env };
  const shared = {
    redisTimeoutMs: patientRedisMs,
    startRedisTimer: redisTimers.start,
    ...options,
    env,
    now: clock.now,
  };
  const first = await startApp(shared);
  const second = await startApp({ ...shared, upstream: first.authService });
  return {
    clock,
    redis,
    /** Those after which a call goes on without Redis. */
    redisTimers,
    authService: first.authService,
    first,
    second,
    async [Symbol.asyncDispose]() {
      await second[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      if (given === undefined) await redis[Symbol.asyncDispose]();
    },
  };
};

export type Replicas = Awaited<ReturnType<typeof startReplicas>>;

/** The same, with tokens of the staff user 123, and browsers that hold them or others. */
export const startHeldReplicas = async (options: StartReplicasOptions = {}) => {
  const replicas = await startReplicas(options);
  const tokens = await replicas.authService.issue({ type: 'staff', id: 123 });
  const holder = (app: TestApp, held: { access?: string; refresh?: string } = tokens): Browser => {
    const browser = app.browser();
    browser.holdTokens(held);
    return browser;
  };
  return { ...replicas, tokens, holder, [Symbol.asyncDispose]: () => replicas[Symbol.asyncDispose]() };
};

/** The tokens that a browser holds now. */
export const heldBy = ({ cookies }: Browser) => ({
  access: cookies.get('access_token') ?? '',
  refresh: cookies.get('refresh_token') ?? '',
});
