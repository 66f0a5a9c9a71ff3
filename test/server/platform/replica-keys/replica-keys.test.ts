import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import type { StartTimer } from '../../../../server/src/platform/start-timer.ts';
import { readExposition, valueOf } from '../../../support/output/exposition.ts';
import { hasRedis, startRedis } from '../../../support/redis/redis.ts';
import { signingKey, startApp, type TestApp } from '../../../support/app/start-app.ts';
import { patientRedisMs } from '../../../support/processes/start-replicas.ts';

const sealingKey = 'a-sealing-key-that-is-long-enough-0123456789';
const otherSealingKey = 'another-sealing-key-that-is-long-enough-0123';
const newSigningKey = 'a-new-signing-key-that-is-long-enough-0123456789';
const hashName = 'auth-bff:replicas:keys';

const linesOf = ({ logLines }: TestApp) => logLines.filter(({ variable }) => typeof variable === 'string');
const summaryOf = (app: TestApp) => linesOf(app).map(({ level, variable }) => `${String(level)} ${String(variable)}`);
const [info, warn, error] = [30, 40, 50];

/** The timer of one replica's comparisons. */
const createKeyTimer = () => {
  let next: (() => void) | null = null;
  let started = 0;
  const compared = (count: number) => vi.waitFor(() => expect(started).toBeGreaterThanOrEqual(count));
  return {
    start: ((task) => {
      started += 1;
      next = task;
      return () => {
        next = null;
      };
    }) satisfies StartTimer,
    /** Whether another comparison is scheduled. */
    isRunning: () => next !== null,
    /** Resolves after the first comparison. */
    begun: () => compared(1),
    /** Advances the clock by a minute, and waits for the comparison. */
    async minute(): Promise<void> {
      const [task, count] = [next, started];
      next = null;
      task?.();
      await compared(count + 1);
    },
  };
};

/** Starts replicas with one Redis, each with its own environment variables. Waits for the first comparison of each. */
const start = async (options: { isCluster?: boolean } = {}) => {
  const redis = await startRedis(options);
  const client = new Redis(redis.url);
  client.on('error', () => {});
  let nowMs = 0;
  const running = new Set<{ close: () => Promise<void> }>();
  const replica = async (env: Record<string, string>, { isUp = true } = {}) => {
    const timer = createKeyTimer();
    const app = await startApp({
      monotonicNow: () => nowMs,
      // The start waits so long for an unavailable Redis, and a command of a busy machine for its answer.
      redisTimeoutMs: isUp ? patientRedisMs : 1_000,
      startKeyTimer: timer.start,
      env: { REDIS_URL: options.isCluster === true ? `${redis.url}?cluster=true` : redis.url, ...env },
    });
    if (isUp) await timer.begun();
    const address = await app.listenOps();
    const one = {
      app,
      timer,
      async mismatchOf(variable: string): Promise<number | undefined> {
        const families = readExposition(await (await fetch(`${address}/metrics`)).text());
        return valueOf(families, 'auth_bff_key_mismatch', { variable });
      },
      async close(): Promise<void> {
        running.delete(one);
        await app[Symbol.asyncDispose]();
      },
    };
    running.add(one);
    return one;
  };
  return {
    redis,
    client,
    replica,
    advance: (ms: number) => {
      nowMs += ms;
    },
    async [Symbol.asyncDispose]() {
      client.disconnect();
      for (const one of running) await one.close();
      await redis[Symbol.asyncDispose]();
    },
  };
};
const minute = async (...replicas: Array<Awaited<ReturnType<Awaited<ReturnType<typeof start>>['replica']>>>) => {
  for (const { timer } of replicas) await timer.minute();
};

describe.skipIf(!hasRedis())('replicas with one Redis', () => {
  it('log the variable that differs, the consequence and the action, on every replica', async () => {
    await using test = await start();
    const first = await test.replica({ SEALING_KEY: sealingKey });
    const second = await test.replica({ SEALING_KEY: sealingKey });
    expect(summaryOf(first.app)).toEqual([]);
    const odd = await test.replica({ SEALING_KEY: otherSealingKey });
    await minute(first, second);

    expect(linesOf(odd.app)).toEqual([
      {
        level: error,
        time: expect.any(String),
        variable: 'SEALING_KEY',
        replicas: 2,
        differing: 2,
        msg: expect.stringMatching(/^Replicas do not find each other's sign-outs, .* Set SEALING_KEY to one value/),
      },
    ]);
    for (const { app } of [first, second]) {
      expect(linesOf(app)).toEqual([expect.objectContaining({ variable: 'SEALING_KEY', replicas: 2, differing: 1 })]);
    }
    for (const one of [first, second, odd]) {
      expect(await one.mismatchOf('SEALING_KEY')).toBe(1);
      expect(await one.mismatchOf('DJANGO_JWT_SIGNING_KEY')).toBe(0);
    }
  });

  it('repeat the warning only after an hour, and log once when the mismatch is resolved', async () => {
    await using test = await start();
    const first = await test.replica({ SEALING_KEY: sealingKey });
    const odd = await test.replica({ SEALING_KEY: otherSealingKey });
    await minute(first);
    for (let passed = 1; passed < 60; passed += 1) {
      test.advance(60_000);
      await minute(first);
    }
    expect(linesOf(first.app)).toHaveLength(1);
    test.advance(60_000);
    await minute(first);
    expect(linesOf(first.app)).toHaveLength(2);
    expect(await first.mismatchOf('SEALING_KEY')).toBe(1);

    await odd.close();
    await minute(first);
    await minute(first);
    expect(summaryOf(first.app)).toEqual([`${error} SEALING_KEY`, `${error} SEALING_KEY`, `${info} SEALING_KEY`]);
    expect(linesOf(first.app).at(-1)?.msg).toMatch(/^SEALING_KEY of this replica no longer differs/);
    expect(await first.mismatchOf('SEALING_KEY')).toBe(0);
  });

  it('ignore a replica that died, three minutes after its last report', async () => {
    await using test = await start();
    const odd = await test.replica({ SEALING_KEY: otherSealingKey });
    const [entry = ''] = await test.client.hvals(hashName);
    await odd.close();
    const [, keys] = /^\d+ (.+)$/.exec(entry) ?? [];
    const leave = async (secondsAgo: number) => {
      const [seconds] = await test.client.time();
      await test.client.hset(hashName, 'dead', `${Number(seconds) - secondsAgo} ${keys}`);
    };
    await leave(0);
    const first = await test.replica({ SEALING_KEY: sealingKey });
    expect(await first.mismatchOf('SEALING_KEY')).toBe(1);
    await leave(120);
    await minute(first);
    expect(await first.mismatchOf('SEALING_KEY')).toBe(1);
    await leave(180);
    await minute(first);
    expect(await first.mismatchOf('SEALING_KEY')).toBe(0);
    expect(await test.client.hexists(hashName, 'dead')).toBe(0);
  });

  it('report different signing keys, and different sealing keys if these derive from them', async () => {
    await using test = await start();
    await test.replica({ SEALING_KEY: sealingKey });
    const odd = await test.replica({ SEALING_KEY: sealingKey, DJANGO_JWT_SIGNING_KEY: newSigningKey });
    expect(summaryOf(odd.app)).toEqual([`${error} DJANGO_JWT_SIGNING_KEY`]);
    expect(await odd.mismatchOf('DJANGO_JWT_SIGNING_KEY')).toBe(1);
    expect(await odd.mismatchOf('SEALING_KEY')).toBe(0);
    const derived = await test.replica({ DJANGO_JWT_SIGNING_KEY: newSigningKey });
    expect(summaryOf(derived.app).toSorted()).toEqual([`${error} DJANGO_JWT_SIGNING_KEY`, `${error} SEALING_KEY`]);
  });

  it('report a key change, not a mismatch, if one accepts the key of the other', async () => {
    await using test = await start();
    const old = await test.replica({ SEALING_KEY: sealingKey });
    const changed = {
      SEALING_KEY: sealingKey,
      DJANGO_JWT_SIGNING_KEY: newSigningKey,
      DJANGO_JWT_SIGNING_KEY_PREVIOUS: signingKey,
    };
    const first = await test.replica(changed);
    await minute(old);
    for (const one of [old, first]) {
      expect(linesOf(one.app)).toEqual([
        expect.objectContaining({
          level: warn,
          variable: 'DJANGO_JWT_SIGNING_KEY',
          msg: expect.stringContaining('a change of DJANGO_JWT_SIGNING_KEY has not reached all running replicas'),
        }),
      ]);
      expect(await one.mismatchOf('DJANGO_JWT_SIGNING_KEY')).toBe(0);
    }
    await old.close();
    // The last step of the change: the replicas drop the old key one after the other.
    const last = await test.replica({ SEALING_KEY: sealingKey, DJANGO_JWT_SIGNING_KEY: newSigningKey });
    await minute(first);
    expect(summaryOf(first.app)).toEqual([`${warn} DJANGO_JWT_SIGNING_KEY`, `${info} DJANGO_JWT_SIGNING_KEY`]);
    expect(summaryOf(last.app)).toEqual([]);
  });

  it('compare no signing keys with remote validation', async () => {
    await using test = await start();
    await test.replica({ SEALING_KEY: sealingKey });
    const remote = await test.replica({ SEALING_KEY: sealingKey, TOKEN_VALIDATION: 'remote' });
    expect(summaryOf(remote.app)).toEqual([]);
    expect(await remote.mismatchOf('DJANGO_JWT_SIGNING_KEY')).toBeUndefined();
    const odd = await test.replica({ SEALING_KEY: otherSealingKey, TOKEN_VALIDATION: 'remote' });
    expect(summaryOf(odd.app)).toEqual([`${error} SEALING_KEY`]);
  });

  it('are compared within one REDIS_PREFIX only, also in a Redis cluster', async () => {
    await using test = await start({ isCluster: true });
    const first = await test.replica({ SEALING_KEY: sealingKey });
    const stranger = await test.replica({ SEALING_KEY: otherSealingKey, REDIS_PREFIX: 'staging:' });
    await minute(first);
    expect([...summaryOf(first.app), ...summaryOf(stranger.app)]).toEqual([]);
    const odd = await test.replica({ SEALING_KEY: otherSealingKey });
    expect(summaryOf(odd.app)).toEqual([`${error} SEALING_KEY`]);
  });

  it('skip the comparison without a log line while Redis is unavailable, and resume after it', async () => {
    await using test = await start();
    const first = await test.replica({ SEALING_KEY: sealingKey });
    const odd = await test.replica({ SEALING_KEY: otherSealingKey });
    const before = odd.app.logLines.length;
    await test.redis.stop();
    await vi.waitFor(() => expect(odd.app.logLines.length).toBeGreaterThan(before));
    const away = odd.app.logLines.length;
    await minute(first, odd, odd, odd);
    expect(odd.app.logLines).toHaveLength(away);
    expect(odd.app.logLines.at(-1)?.msg).toMatch(/^Redis is down/);
    // The last result stays valid until a newer comparison.
    expect(await odd.mismatchOf('SEALING_KEY')).toBe(1);
    expect(summaryOf(first.app)).toEqual([]);

    await test.redis.start();
    await vi.waitFor(async () => {
      await minute(odd, first);
      expect(summaryOf(first.app)).toEqual([`${error} SEALING_KEY`]);
    });
  });

  it('compare as soon as Redis is available, if it was unavailable at their start', async () => {
    await using test = await start();
    const first = await test.replica({ SEALING_KEY: sealingKey });
    await test.redis.stop();
    const odd = await test.replica({ SEALING_KEY: otherSealingKey }, { isUp: false });
    expect(await odd.mismatchOf('SEALING_KEY')).toBe(0);
    await test.redis.start();
    await vi.waitFor(() => expect([...summaryOf(first.app), ...summaryOf(odd.app)]).not.toEqual([]));
  });

  it('store only 24 bits of each key in Redis, with an expiry', async () => {
    await using test = await start();
    for (let count = 0; count < 300; count += 1) await test.client.hset(hashName, `junk-${count}`, 'not ours');
    const [seconds] = await test.client.time();
    const many = Array.from({ length: 300 }, (_, index) => [`replica-${index}`, `${seconds} {}`]).flat();
    await test.client.hset(hashName, ...many);
    const first = await test.replica({ SEALING_KEY: sealingKey, DJANGO_JWT_SIGNING_KEY_PREVIOUS: newSigningKey });
    await minute(first);
    expect(await test.client.hlen(hashName)).toBeLessThanOrEqual(201);
    expect(await test.client.ttl(hashName)).toBeGreaterThan(0);
    expect(summaryOf(first.app)).toEqual([]);
    const own = (await test.client.hvals(hashName)).filter((value) => value.includes('sealing'));
    expect(own).toEqual([
      expect.stringMatching(/^\d+ \{"sealing":"[\da-f]{6}","signing":\["[\da-f]{6}","[\da-f]{6}"\]\}$/),
    ]);
  });

  it('remove their entries from Redis and stop comparing when they are closed', async () => {
    await using test = await start();
    const first = await test.replica({ SEALING_KEY: sealingKey });
    expect(await test.client.hlen(hashName)).toBe(1);
    expect(first.timer.isRunning()).toBe(true);
    await first.close();
    expect(first.timer.isRunning()).toBe(false);
    await vi.waitFor(async () => expect(await test.client.exists(hashName)).toBe(0));
  });
});

it('a service without Redis has no metric of key mismatches', async () => {
  await using app = await startApp();
  const address = await app.listenOps();
  expect(await (await fetch(`${address}/metrics`)).text()).not.toContain('auth_bff_key_mismatch');
});
