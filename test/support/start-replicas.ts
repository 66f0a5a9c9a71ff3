import type { Browser } from './browser.ts';
import { startRedis } from './redis.ts';
import { createClock, startApp, type StartAppOptions, type TestApp } from './start-app.ts';

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

/** The same, with tokens of the staff user 123, and browsers that hold them or others. */
export const startHeldReplicas = async (options: Parameters<typeof startReplicas>[0] = {}) => {
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
