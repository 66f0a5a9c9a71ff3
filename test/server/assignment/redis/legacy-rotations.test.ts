import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Rotation, toRotation } from '../../../../server/src/assignment/assignment-store.ts';
import { createRedisStore } from '../../../../server/src/assignment/redis/redis-store.ts';
import { createRedis, type RedisConnection } from '../../../../server/src/platform/redis/redis.ts';
import { silentLog } from '../../../support/output/silent-log.ts';
import { createEarlierStore, dumpRedis } from '../../../support/redis/legacy-rotations.ts';
import { hasRedis, type RedisServer, startRedis } from '../../../support/redis/redis.ts';
import { lastTurns } from '../../../support/redis/last-turns.ts';

/** Longer than any machine takes. */
const timeoutMs = 60_000;
const by = 'staff 1';
const callerId = 1;
const people = [1, 5, 12, 23];
const technicians = toRotation({ system: 'TTS', role: 'Technician' });
/** Keys that mean something to Redis, to a pattern, or to JavaScript. */
const oddKeys = ['T-1', 'T *', '[T]-?', '{T}:1', 'ключ', '__proto__'];

type StoreOptions = { prefix?: string; sealingSecret?: string; monotonicNow?: () => number };

const createTest = (redis: RedisConnection['redis']) => {
  const storeOf = ({ prefix = 'auth-bff:', sealingSecret = 'one-sealing-secret', monotonicNow }: StoreOptions = {}) =>
    createRedisStore({ redis, prefix, sealingSecret, ...(monotonicNow === undefined ? {} : { monotonicNow }) });
  const take = async (store: ReturnType<typeof storeOf>, key: string, rotation: Rotation = technicians) => {
    const taken = await store.take({ rotation, candidates: people, key, by, callerId });
    return taken === null ? null : { ...taken };
  };
  return { redis, storeOf, take, earlier: createEarlierStore({ redis, rotation: 'tts/technician' }) };
};

const kinds = [
  ['Redis', false],
  ['a cluster', true],
] as const;

describe.skipIf(!hasRedis()).each(kinds)('rotations of the earlier format in %s', (_name, isCluster) => {
  let server: RedisServer;
  let connection: RedisConnection;
  let test: ReturnType<typeof createTest>;
  beforeAll(async () => {
    server = await startRedis({ isCluster });
    connection = createRedis({ url: isCluster ? `${server.url}?cluster=true` : server.url, log: silentLog, timeoutMs });
    await vi.waitFor(() => connection.redis.set('is', 'ready'));
    test = createTest(connection.redis);
  });
  beforeEach(async () => void (await connection.redis.flushall()));
  afterAll(async () => {
    connection.close();
    await server[Symbol.asyncDispose]();
  });

  it('keep their order and their keys', async () => {
    const { redis, earlier, storeOf, take } = test;
    // 12 waits longest, then 23, then 1, then 5.
    for (const [index, id] of [12, 23, 1, 5].entries()) {
      expect(await earlier.take([id], oddKeys[index] ?? '')).toBe(id);
    }
    for (const key of oddKeys.slice(4)) await earlier.take([5], key);
    await redis.pexpire(earlier.given('T-1'), 3_600_000);
    const store = storeOf();
    expect(await lastTurns(store, technicians, people)).toEqual([3, 6, 1, 2]);
    const given = [12, 23, 1, 5, 5, 5];
    for (const [index, key] of oddKeys.entries()) {
      expect(await take(store, key)).toEqual({ assignee: given[index], replayed: true });
    }
    const next = [];
    for (const key of ['N-1', 'N-2', 'N-3', 'N-4', 'N-5']) next.push((await take(store, key))?.assignee);
    expect(next).toEqual([12, 23, 1, 5, 12]);
  });

  it('keep their remaining TTL', async () => {
    const { redis, earlier, storeOf, take } = test;
    for (const key of ['T-1', 'T-2']) await earlier.take(people, key);
    await redis.pexpire(earlier.given('T-1'), 3_600_000);
    await redis.pexpire(earlier.turns, 7_200_000);
    await lastTurns(storeOf(), technicians, people);
    const nodes = 'nodes' in redis ? redis.nodes('master') : [redis];
    const keys = (await Promise.all(nodes.map((node) => node.keys('*')))).flat();
    const leftMs = await Promise.all(keys.map((key) => redis.pttl(key)));
    const hours = leftMs.map((ms) => Math.ceil(ms / 3_600_000)).toSorted((a, b) => a - b);
    expect(hours).toEqual([1, 2, 24]);
    expect(await take(storeOf(), 'T-1')).toMatchObject({ replayed: true });
  });

  it('leave no readable role, key or id in Redis', async () => {
    const { redis, earlier, storeOf, take } = test;
    const ids = [1_234_567, 7_654_321];
    await earlier.take(ids, 'T-4711');
    await earlier.take(ids, 'T *');
    expect(await dumpRedis(redis)).toMatch(/technician.*T-4711.*|T-4711.*technician/);
    expect(await take(storeOf(), 'T-4711')).toEqual({ assignee: 1_234_567, replayed: true });
    await take(storeOf(), 'T-4712');
    const dump = await dumpRedis(redis);
    // As words, because the names in Redis are base64, in which three letters are found by chance.
    expect(dump).not.toMatch(/technician|(?<![a-z0-9])(tts(?![a-z0-9])|T-47)|T \*|1234567|7654321|staff/i);
    // Nothing is left of the earlier format at all.
    expect(dump).not.toMatch(/turns:\{|given:/);
  });

  it('keep their order when two replicas migrate them at the same time', async () => {
    const { earlier, storeOf, redis } = test;
    for (let round = 0; round < 10; round += 1) {
      await redis.flushall();
      for (const [index, id] of [12, 23, 1, 5].entries()) await earlier.take([id], `T-${index}`);
      const stores = [storeOf(), storeOf()];
      const turns = await Promise.all(
        Array.from({ length: 12 }, (_, index) =>
          (stores[index % 2] ?? storeOf()).take({
            rotation: technicians,
            candidates: people,
            key: `N-${index}`,
            by,
            callerId,
          }),
        ),
      );
      for (const id of people) expect(turns.filter((turn) => turn?.assignee === id)).toHaveLength(3);
      const places = await lastTurns(storeOf(), technicians, people);
      expect(places.toSorted((a, b) => a - b)).toEqual([13, 14, 15, 16]);
      // In the order in which they waited.
      expect(people.toSorted((a, b) => (places[people.indexOf(a)] ?? 0) - (places[people.indexOf(b)] ?? 0))).toEqual([
        12, 23, 1, 5,
      ]);
      expect(await dumpRedis(redis)).not.toMatch(/technician/);
    }
  });

  it('lose no key while a replica of the earlier version continues', async () => {
    const { redis, earlier, storeOf, take } = test;
    let nowMs = 0;
    const stores = [storeOf({ monotonicNow: () => nowMs }), storeOf({ monotonicNow: () => nowMs })];
    const given = new Map<string, number>();
    const goOn = async (name: string) => {
      for (let turn = 0; turn < 30; turn += 1)
        given.set(`${name}-${turn}`, await earlier.take(people, `${name}-${turn}`));
    };
    await goOn('before');
    await Promise.all([goOn('during'), ...stores.map((store, index) => take(store, `new-${index}`))]);
    await goOn('after');
    nowMs += 60_000;
    for (const store of stores) {
      for (const [key, assignee] of given) expect(await take(store, key)).toEqual({ assignee, replayed: true });
    }
    expect(await dumpRedis(redis)).not.toMatch(/technician|before|during|after/);
  });

  it('lose no key that the earlier version assigns between their read and their deletion', async () => {
    const { redis, earlier, storeOf, take } = test;
    await earlier.take([12], 'T-1');
    const [node] = 'nodes' in redis ? redis.nodes('master') : [redis];
    if (node === undefined) throw new Error('There is no node.');
    const scan = node.scan.bind(node) as (...args: unknown[]) => Promise<[string, string[]]>;
    const spy = vi.spyOn(node, 'scan').mockImplementationOnce(async (...args: unknown[]) => {
      const found = await scan(...args);
      await earlier.take([23], 'T-2');
      return found;
    });
    expect(await take(storeOf(), 'T-2')).toEqual({ assignee: 23, replayed: true });
    expect(await lastTurns(storeOf(), technicians, people)).toEqual([0, 0, 1, 2]);
    spy.mockRestore();
    expect(await dumpRedis(redis)).not.toMatch(/technician/);
  });

  it('do not come back after a reset, even if the earlier version continues', async () => {
    const { earlier, storeOf, take } = test;
    let nowMs = 0;
    const store = storeOf({ monotonicNow: () => nowMs });
    for (const [index, id] of [12, 23, 1, 5].entries()) await earlier.take([id], `T-${index}`);
    const places = await store.places(technicians, people);
    // That version stored neither counts nor times.
    expect(places.map(({ turns, lastTurnAtMs }) => [turns, lastTurnAtMs])).toEqual(people.map(() => [0, null]));
    await store.reset(technicians);
    expect(await lastTurns(store, technicians, people)).toEqual([0, 0, 0, 0]);
    // It begins at 1 again, and this version reads it a minute later.
    await earlier.take([23], 'late');
    nowMs += 60_000;
    expect(await lastTurns(store, technicians, people)).toEqual([0, 0, 0, 0]);
    expect(await take(store, 'T-0')).toEqual({ assignee: 12, replayed: true });
    expect(await take(store, 'N-1')).toEqual({ assignee: 1, replayed: false });
  });

  it('belong to their own role for any role name', async () => {
    const { redis, earlier, storeOf, take } = test;
    const anything = createEarlierStore({ redis, rotation: 'tts/*' });
    await anything.take([23], 'T-1');
    await earlier.take([12], 'T-1');
    expect(await take(storeOf(), 'T-1', toRotation({ system: 'TTS', role: '*' }))).toMatchObject({ assignee: 23 });
    expect(await take(storeOf(), 'T-1')).toEqual({ assignee: 12, replayed: true });
  });

  it('keep the turns of this version when the earlier version starts again beside it', async () => {
    const { earlier, storeOf, take } = test;
    let nowMs = 0;
    const store = storeOf({ monotonicNow: () => nowMs });
    for (const [index, id] of [12, 23, 1, 5].entries()) await earlier.take([id], `T-${index}`);
    expect((await take(store, 'N-1'))?.assignee).toBe(12);
    expect(await earlier.take(people, 'late')).toBe(1);
    nowMs += 60_000;
    expect((await take(store, 'N-2'))?.assignee).toBe(23);
    expect(await take(store, 'late')).toEqual({ assignee: 1, replayed: true });
  });

  it('are found under the earlier name of a role, which was in Unicode lower case', async () => {
    const { redis, storeOf, take } = test;
    const earlier = createEarlierStore({ redis, rotation: `tts/${encodeURIComponent('größe *ärzte*')}` });
    for (const [index, id] of [12, 23, 1, 5].entries()) await earlier.take([id], `T-${index}`);
    const rotation = toRotation({ system: 'TTS', role: 'Größe *ÄRZTE*' });
    expect(await take(storeOf(), 'T-0', rotation)).toEqual({ assignee: 12, replayed: true });
    expect(await take(storeOf(), 'N-1', rotation)).toEqual({ assignee: 12, replayed: false });
    expect(await dumpRedis(redis)).not.toMatch(/rzte/);
  });

  it('are copied once into an environment with another prefix, and remain in their own', async () => {
    const { redis, earlier, storeOf, take } = test;
    for (const [index, id] of [12, 23, 1, 5].entries()) await earlier.take([id], `T-${index}`);
    const before = await redis.hgetall(earlier.turns);
    let nowMs = 0;
    const staging = storeOf({ prefix: 'staging:', monotonicNow: () => nowMs });
    expect((await take(staging, 'N-1'))?.assignee).toBe(12);
    expect(await take(staging, 'T-1')).toEqual({ assignee: 23, replayed: true });
    expect(await redis.hgetall(earlier.turns)).toEqual(before);
    expect(await redis.get(earlier.given('T-1'))).toBe('23');
    // The owner continues, without effect on the copy.
    expect(await earlier.take(people, 'owner')).toBe(12);
    nowMs += 60_000;
    expect(await take(staging, 'owner')).toEqual({ assignee: 23, replayed: false });
    expect((await take(storeOf(), 'N-1'))?.assignee).toBe(23);
  });

  it('are moved if the earlier version had the same prefix', async () => {
    const { redis, storeOf, take } = test;
    const earlier = createEarlierStore({ redis, rotation: 'tts/technician', prefix: 'own:' });
    for (const [index, id] of [12, 23, 1, 5].entries()) await earlier.take([id], `T-${index}`);
    expect((await take(storeOf({ prefix: 'own:' }), 'N-1'))?.assignee).toBe(12);
    expect(await dumpRedis(redis)).not.toMatch(/technician/);
  });

  it('are not shared between environments with another prefix or sealing secret', async () => {
    const { storeOf, take } = test;
    const environments = [
      storeOf(),
      storeOf({ prefix: 'staging:' }),
      storeOf({ sealingSecret: 'another-sealing-secret' }),
    ];
    for (const key of ['T-1', 'T-2']) {
      const given = await Promise.all(environments.map((store) => take(store, key)));
      const assignee = key === 'T-1' ? 1 : 5;
      expect(given).toEqual(environments.map(() => ({ assignee, replayed: false })));
    }
  });
});

describe.skipIf(!hasRedis())('a Redis user with access only to its own prefix', () => {
  it('assigns although it cannot read the default prefix', async () => {
    await using server = await startRedis();
    const admin = createRedis({ url: server.url, log: silentLog, timeoutMs });
    await admin.untilReady();
    await admin.redis.call('ACL', 'SETUSER', 'staging', 'on', '>pa55', '~staging:*', '+@all');
    const limited = createRedis({
      url: server.url.replace('redis://', 'redis://staging:pa55@'),
      log: silentLog,
      timeoutMs,
    });
    await limited.untilReady();
    const { storeOf, take } = createTest(limited.redis);
    expect(await take(storeOf({ prefix: 'staging:' }), 'T-1')).toEqual({ assignee: 1, replayed: false });
    limited.close();
    admin.close();
  });
});
