import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AssignmentStore, Take } from '../../../../server/src/assignment/assignment-store.ts';
import { createMemoryStore } from '../../../../server/src/assignment/memory/memory-store.ts';
import { createRedisStore } from '../../../../server/src/assignment/redis/redis-store.ts';
import { AppError } from '../../../../server/src/errors.ts';
import { startConnectedRedis } from '../../../support/redis/connected-redis.ts';
import { hasRedis } from '../../../support/redis/redis.ts';

const rotation = 'tts/technician';
const candidates = [1, 2, 3];
const sealingSecret = 'a-sealing-secret-of-the-tests';

describe.skipIf(!hasRedis())('calls of one moment', () => {
  let started: Awaited<ReturnType<typeof startConnectedRedis>>;
  beforeAll(async () => {
    started = await startConnectedRedis();
  });
  afterAll(() => started[Symbol.asyncDispose]());

  let count = 0;
  const start = (options: Partial<Parameters<typeof createRedisStore>[0]> = {}) => {
    const prefix = `moment-${(count += 1)}:`;
    const { redis } = started.connection;
    return { prefix, redis, store: createRedisStore({ redis, prefix, sealingSecret, ...options }) };
  };
  const take = (key: string | null, more: Partial<Take> = {}): Take => ({
    rotation,
    candidates,
    key,
    by: 'staff 1',
    callerId: 1,
    ...more,
  });
  const outcome = (taking: Promise<unknown>) =>
    taking.catch((error: unknown) => (error instanceof AppError ? [error.reason, error.retryAfterSeconds] : error));
  const placesOf = async (store: AssignmentStore) =>
    (await store.places(rotation, candidates)).map(({ lastTurn, turns }) => ({ lastTurn, turns }));
  const historyOf = async (store: AssignmentStore) =>
    (await store.history(rotation, 100)).map(({ entry: { key, assignee, by } }) => ({ key, assignee, by }));

  it('are given the turns that they would get one after the other', async () => {
    const calls = fc.array(
      fc.record({
        key: fc.constantFrom(null, 'T-1', 'T-2', 'T-3', 'T-4', 'T-5'),
        callerId: fc.constantFrom(1, 2),
      }),
      { maxLength: 40 },
    );
    const limits = fc.record({
      keysPerPersonPerHour: fc.integer({ min: 0, max: 4 }),
      keysPerRotationPerHour: fc.integer({ min: 0, max: 5 }),
      rotationsPerPersonPerHour: fc.integer({ min: 0, max: 1 }),
    });
    const moments = fc.array(calls, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(moments, limits, async (ofMoments, most) => {
        const { store } = start({ limits: most });
        const oneByOne = createMemoryStore({ now: Date.now, limits: most });
        for (const ofMoment of ofMoments) {
          const takes = ofMoment.map(({ key, callerId }) => take(key, { callerId, by: `staff ${callerId}` }));
          const together = await Promise.all(takes.map((one) => outcome(store.take(one))));
          const expected = [];
          for (const one of takes) expected.push(await outcome(oneByOne.take(one)));
          const withoutSeconds = (outcomes: unknown[]) =>
            outcomes.map((one) => (Array.isArray(one) ? (one[0] as string) : one));
          expect(withoutSeconds(together)).toEqual(withoutSeconds(expected));
        }
        expect(await placesOf(store)).toEqual(await placesOf(oneByOne));
        expect(await historyOf(store)).toEqual(await historyOf(oneByOne));
      }),
      { numRuns: 60 },
    );
  });

  it('take one script for each 25 of them, and one for each group of people', async () => {
    const { redis, store } = start();
    await store.take(take(null));
    const scripts = async () => Number(/cmdstat_evalsha:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1]);
    const before = await scripts();
    const taken = await Promise.all(Array.from({ length: 60 }, (_, index) => store.take(take(`T-${index}`))));
    expect(new Set(taken.map((turn) => turn?.assignee))).toEqual(new Set(candidates));
    expect((await scripts()) - before).toBe(3);
    await Promise.all([store.take(take(null)), store.take(take(null, { candidates: [1, 2] }))]);
    expect((await scripts()) - before).toBe(5);
  });

  it('do not wait for one another if people or rotations differ, and pass over nobody', async () => {
    const { store } = start();
    const others = 'tts/manager';
    const [first, second, elsewhere] = await Promise.all([
      store.take(take('T-1', { candidates: [1, 2] })),
      store.take(take('T-2', { candidates: [1, 2, 3] })),
      store.take(take('T-1', { rotation: others, candidates: [1, 2, 3] })),
    ]);
    expect([first, second, elsewhere].map((turn) => turn?.assignee)).toEqual([1, 2, 1]);
  });

  it('are not lost because the window of one caller is damaged in Redis', async () => {
    const { prefix, redis, store } = start();
    await store.take(take('T-0', { by: 'staff 2' }));
    const [window = 'none'] = await redis.keys(`${prefix}assigner:*`);
    await redis.set(window, 'no hash');
    const taken = await Promise.all(
      ['staff 1', 'staff 2', 'staff 3'].map((by, index) => outcome(store.take(take(`T-${index + 1}`, { by })))),
    );
    expect(taken).toEqual([
      { assignee: 2, replayed: false },
      ['store_unavailable', 1],
      { assignee: 3, replayed: false },
    ]);
    await redis.del(window);
    expect(await store.take(take('T-2', { by: 'staff 2' }))).toEqual({ assignee: 1, replayed: false });
    expect(await placesOf(store)).toEqual([
      { lastTurn: 4, turns: 2 },
      { lastTurn: 2, turns: 1 },
      { lastTurn: 3, turns: 1 },
    ]);
  });

  it('all fail, and change nothing, if the rotation is damaged', async () => {
    const { prefix, redis, store } = start();
    await store.take(take('T-0'));
    const [history = 'none'] = await redis.keys(`${prefix}*:history`);
    await redis.set(history, 'no stream');
    const before = await redis.keys(`${prefix}*`);
    const taken = await Promise.all(['T-1', 'T-2'].map((key) => outcome(store.take(take(key)))));
    expect(taken).toEqual([
      ['store_unavailable', 1],
      ['store_unavailable', 1],
    ]);
    expect((await redis.keys(`${prefix}*`)).toSorted()).toEqual(before.toSorted());
    expect((await placesOf(store))[0]).toEqual({ lastTurn: 1, turns: 1 });
  });

  it('are told to wait an hour by a limit that they reach together, and known keys still work', async () => {
    const limits = { keysPerPersonPerHour: 2, keysPerRotationPerHour: 3, rotationsPerPersonPerHour: 1 };
    const { store } = start({ limits });
    const ofOne = ['T-1', 'T-2', 'T-3', 'T-1'].map((key) => outcome(store.take(take(key))));
    const ofAnother = ['T-4', 'T-5'].map((key) => outcome(store.take(take(key, { by: 'staff 2' }))));
    expect(await Promise.all([...ofOne, ...ofAnother])).toEqual([
      { assignee: 1, replayed: false },
      { assignee: 2, replayed: false },
      ['rate_limited', 3600],
      { assignee: 1, replayed: true },
      { assignee: 3, replayed: false },
      ['rate_limited', 3600],
    ]);
  });

  it('can be handed on: a person who got two turns gets the place after the first one back', async () => {
    const { store } = start();
    await Promise.all(['T-1', 'T-2'].map((key) => store.take(take(key, { candidates: [1] }))));
    const [of1] = await store.places(rotation, [1]);
    expect(of1).toMatchObject({ lastTurn: 2, turns: 2 });
    await store.handOver({ ...take('T-2'), key: 'T-2', repeatKey: 'a' });
    const [first] = (await store.history(rotation, 10)).toReversed();
    expect(await store.places(rotation, [1, 2])).toMatchObject([
      { lastTurn: 1, turns: 1, lastTurnAtMs: first?.entry.at.getTime() },
      { lastTurn: 3, turns: 1 },
    ]);
  });

  it('renew the expiry of a rotation with each 50th turn among them', async () => {
    const { prefix, redis, store } = start();
    await Promise.all(Array.from({ length: 45 }, () => store.take(take(null))));
    const [turns = 'none'] = await redis.keys(`${prefix}*:turns`);
    await redis.pexpire(turns, 60_000);
    await Promise.all(Array.from({ length: 4 }, () => store.take(take(null))));
    expect(await redis.pttl(turns)).toBeLessThanOrEqual(60_000);
    await Promise.all(Array.from({ length: 3 }, () => store.take(take(null))));
    expect(await redis.pttl(turns)).toBeGreaterThan(60_000);
  });
});
