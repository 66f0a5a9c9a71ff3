import { type Dialect, startAuthService } from '../../../server/dev/auth-service/auth-service.ts';
import { createBrowser } from '../app/browser.ts';
import { john } from '../app/people.ts';
import { apiKey, createClock, startApp, type TestApp } from '../app/start-app.ts';
import { patientRedisMs } from '../processes/start-replicas.ts';
import { inRedis } from '../redis/in-redis.ts';
import type { RedisServer } from '../redis/redis.ts';
import { createTimers } from '../time/timers.ts';

export const oldKey = 'the-old-signing-key-of-at-least-32-bytes';
export const newKey = 'the-new-signing-key-of-at-least-32-bytes';

export type KeyChangeOptions = {
  redis: RedisServer;
  dialect: Dialect;
  /** Of both replicas at the start. Default: the signing key and nothing else. */
  env?: Record<string, string>;
};

/** Two replicas over one Redis in front of an Auth Service that signs with the old key, for a change of keys. */
export const startKeyChange = async ({ redis, dialect, env = {} }: KeyChangeOptions) => {
  await inRedis(redis, (client) => client.flushall());
  const clock = createClock();
  const redisTimers = createTimers();
  const authService = await startAuthService({ dialect, signingKey: oldKey, apiKey, now: clock.now });
  const start = (changes: Record<string, string>) =>
    startApp({
      upstream: authService,
      now: clock.now,
      redisTimeoutMs: patientRedisMs,
      startRedisTimer: redisTimers.start,
      env: { REDIS_URL: redis.url, DJANGO_JWT_SIGNING_KEY: oldKey, ...env, ...changes },
    });
  const replicas: [TestApp, TestApp] = [await start({}), await start({})];

  return {
    clock,
    authService,
    replicas,
    /** Replaces a replica, as a rolling restart does. */
    async restart(index: 0 | 1, changes: Record<string, string>): Promise<void> {
      await replicas[index][Symbol.asyncDispose]();
      replicas[index] = await start(changes);
    },
    /** A browser that keeps its cookies from one replica to another, with a session of John's. */
    async visit() {
      const cookies = new Map<string, string>();
      const on = (index: 0 | 1) => createBrowser({ url: replicas[index].url, cookies });
      on(0).holdTokens(await authService.issue(john));
      return { cookies, on };
    },
    async [Symbol.asyncDispose]() {
      for (const replica of replicas) await replica[Symbol.asyncDispose]();
      await authService.close();
    },
  };
};

export type KeyChange = Awaited<ReturnType<typeof startKeyChange>>;
export type Visitor = Awaited<ReturnType<KeyChange['visit']>>;
