import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { toRotation } from '../../../../server/src/assignment/assignment-store.ts';
import { createRedisStore } from '../../../../server/src/assignment/redis/redis-store.ts';
import type { RedisConnection } from '../../../../server/src/platform/redis/redis.ts';
import { describeAssignmentStore } from '../../../support/redis/assignment-store-contract.ts';
import { connectRedis, startConnectedRedis } from '../../../support/redis/connected-redis.ts';
import { hasRedis, type RedisServer, startRedis } from '../../../support/redis/redis.ts';

const by = 'staff 1';
const callerId = 1;
const sealingSecret = 'a-sealing-secret-of-the-tests';
let count = 0;
const fresh = () => `test-${(count += 1)}:`;

/** It takes writes 2 s after its start, which pass beside the tests of the other Redis. */
let startingCluster: ReturnType<typeof startRedis>;
beforeAll(() => {
  if (!hasRedis()) return;
  startingCluster = startRedis({ isCluster: true });
  startingCluster.catch(() => {});
});

describe.skipIf(!hasRedis())('the Redis store', () => {
  let started: Awaited<ReturnType<typeof startConnectedRedis>>;
  let connection: RedisConnection;
  beforeAll(async () => {
    started = await startConnectedRedis();
    ({ connection } = started);
  });
  afterAll(() => started[Symbol.asyncDispose]());

  describeAssignmentStore({
    create: (options) => createRedisStore({ ...connection, prefix: fresh(), sealingSecret, ...options }),
    runs: 30,
  });

  it('gives each of two parallel calls of two replicas its own turn', async () => {
    const prefix = fresh();
    const other = await connectRedis(started.server.url);
    const stores = [connection, other].map(({ redis }) => createRedisStore({ redis, prefix, sealingSecret }));
    const taken = await Promise.all(
      Array.from({ length: 300 }, (_, index) =>
        (stores[index % 2] ?? createRedisStore({ ...other, prefix, sealingSecret })).take({
          rotation: 'r',
          candidates: [1, 2, 3],
          key: null,
          by,
          callerId,
        }),
      ),
    );
    for (const id of [1, 2, 3]) expect(taken.filter((turn) => turn?.assignee === id)).toHaveLength(100);
    other.close();
  });

  it('expires rotations after 30 days and keys after 24 hours by the clock of Redis', async () => {
    const prefix = fresh();
    const store = createRedisStore({ ...connection, prefix, sealingSecret });
    await store.take({ rotation: 'r', candidates: [1], key: 'T-1', by, callerId });
    const leftMs = async (pattern: string) => {
      const [key = 'no such key', ...others] = await connection.redis.keys(prefix + pattern);
      expect(others).toEqual([]);
      return connection.redis.pttl(key);
    };
    const [turns, given] = await Promise.all(['rotation:*:turns', 'rotation:*:key:*'].map(leftMs));
    expect(turns).toBeGreaterThan(29.99 * 86_400_000);
    expect(turns).toBeLessThanOrEqual(30 * 86_400_000);
    expect(given).toBeGreaterThan(0.99 * 86_400_000);
    expect(given).toBeLessThanOrEqual(86_400_000);
  });

  it('ends a limit window by the clock of Redis', async () => {
    const prefix = fresh();
    const limits = { keysPerPersonPerHour: 1, keysPerRotationPerHour: 1, rotationsPerPersonPerHour: 1 };
    const store = createRedisStore({ ...connection, prefix, sealingSecret, limits });
    const take = (key: string) =>
      store.take({ rotation: 'r', candidates: [1, 2], key, by, callerId }).catch(() => null);
    await take('T-1');
    expect(await take('T-2')).toBe(null);
    const windows = (await connection.redis.keys(`${prefix}*`)).filter((key) => /new-keys|assigner/.test(key));
    expect(windows).toHaveLength(2);
    for (const key of windows) {
      const leftMs = await connection.redis.pttl(key);
      expect(leftMs).toBeGreaterThan(3_500_000);
      expect(leftMs).toBeLessThanOrEqual(3_600_000);
      await connection.redis.del(key);
    }
    expect(await take('T-2')).toEqual({ assignee: 2, replayed: false });

    // A handover begins the windows as well.
    for (const key of windows) await connection.redis.del(key);
    await store.handOver({ rotation: 'r', candidates: [1, 2], key: 'T-1', by, callerId, repeatKey: 'a' });
    for (const key of windows) expect(await connection.redis.pttl(key)).toBeGreaterThan(3_500_000);
  });

  it('loads the script again after Redis has lost it', async () => {
    const store = createRedisStore({ ...connection, prefix: fresh(), sealingSecret });
    await store.take({ rotation: 'r', candidates: [1, 2], key: null, by, callerId });
    await connection.redis.script('FLUSH');
    expect(await store.take({ rotation: 'r', candidates: [1, 2], key: null, by, callerId })).toMatchObject({
      assignee: 2,
    });
  });
});

describe.skipIf(!hasRedis())('the Redis store in a cluster', () => {
  let node: RedisServer;
  let cluster: RedisConnection;
  beforeAll(async () => {
    node = await startingCluster;
    cluster = await connectRedis(`${node.url}?cluster=true`);
    await vi.waitFor(() => cluster.redis.set('is', 'ready'));
  });
  afterAll(async () => {
    cluster.close();
    await node[Symbol.asyncDispose]();
  });

  describeAssignmentStore({
    create: (options) => createRedisStore({ ...cluster, prefix: fresh(), sealingSecret, ...options }),
    runs: 10,
  });

  it('assigns turns for any role name', async () => {
    const store = createRedisStore({ ...cluster, prefix: fresh(), sealingSecret });
    for (const role of ['Technician', 'Rôle {with} braces', '}{', '한국']) {
      const rotation = toRotation({ system: 'TTS', role });
      const first = await store.take({ rotation, candidates: [1, 2], key: 'a}b{c', by, callerId });
      expect(first).toMatchObject({ assignee: 1 });
      expect(await store.take({ rotation, candidates: [2], key: 'a}b{c', by, callerId })).toEqual({
        assignee: 1,
        replayed: true,
      });
    }
  });
});
