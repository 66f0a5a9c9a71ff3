import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRedisStore } from '../../../../server/src/assignment/redis/redis-store.ts';
import type { RedisConnection } from '../../../../server/src/platform/redis/redis.ts';
import { startConnectedRedis } from '../../../support/redis/connected-redis.ts';
import { hasRedis } from '../../../support/redis/redis.ts';

const sealingSecret = 'a-sealing-secret-of-the-tests';
const caller = { by: 'staff 1', callerId: 1 };
const [rotation, other] = ['tts/technician', 'tts/manager'];

describe.skipIf(!hasRedis())('data in Redis that another program changed', () => {
  let started: Awaited<ReturnType<typeof startConnectedRedis>>;
  let connection: RedisConnection;
  beforeAll(async () => {
    started = await startConnectedRedis();
    ({ connection } = started);
  });
  afterAll(() => started[Symbol.asyncDispose]());

  let count = 0;
  const start = () => {
    const prefix = `odd-${(count += 1)}:`;
    const store = createRedisStore({ ...connection, prefix, sealingSecret });
    const keyOf = async (pattern: string) => {
      const [key = 'no such key'] = await connection.redis.keys(prefix + pattern);
      return key;
    };
    const take = (key: string | null, from: string = rotation) =>
      store.take({ rotation: from, candidates: [1, 2, 3], key, ...caller });
    const handOver = (key: string) =>
      store.handOver({ rotation, candidates: [1, 2, 3], key, repeatKey: 'a', ...caller });
    const textOf = async (stream: string): Promise<string> => {
      const [entry] = await connection.redis.xrevrange(stream, '+', '-', 'COUNT', 1);
      return entry?.[1][1] ?? '';
    };
    return { prefix, store, keyOf, take, handOver, textOf };
  };

  it('hide no other entry if an entry has the assignee of another rotation', async () => {
    const { store, keyOf, take, textOf } = start();
    await take('T-1', other);
    const foreign = await textOf(await keyOf('*:history'));
    await connection.redis.rename(await keyOf('*:history'), 'elsewhere');
    await take('T-2');
    const history = await keyOf('*:history');
    await connection.redis.xadd(history, '*', 'e', foreign.slice(0, 22) + (await textOf(history)).slice(22));
    await take('T-3');
    expect((await store.history(rotation, 10)).map(({ entry }) => entry.key)).toEqual(['T-3', 'T-2']);
    expect((await store.historyAfter(rotation, '0-0', 10)).map(({ entry }) => entry.key)).toEqual(['T-2', 'T-3']);
  });

  it('stop no reader of the history at a hundred entries that cannot be opened', async () => {
    const { store, keyOf, take } = start();
    await take('T-1');
    const history = await keyOf('*:history');
    for (let index = 0; index < 250; index += 1) await connection.redis.xadd(history, '*', 'e', 'nonsense');
    await take('T-2');
    const [first] = await store.historyAfter(rotation, '0-0', 1);
    const rest = await store.historyAfter(rotation, first?.id ?? '', 100);
    expect(rest.map(({ entry }) => entry.key)).toEqual(['T-2']);
    expect((await store.history(rotation, 2)).map(({ entry }) => entry.key)).toEqual(['T-2', 'T-1']);
  });

  it('do not hand a ticket on by half if its key does not expire', async () => {
    const { store, keyOf, take, handOver } = start();
    await take('T-1');
    const key = await keyOf('*:key:*');
    await connection.redis.persist(key);
    expect(await handOver('T-1')).toEqual({ assignee: 2, replayed: false });
    expect(await take('T-1')).toEqual({ assignee: 2, replayed: true });
    expect(await store.history(rotation, 10)).toHaveLength(2);
    expect(await connection.redis.pttl(key)).toBeGreaterThan(0);
  });

  it('stop no turns of a system by a leave that no replica wrote', async () => {
    const { store, keyOf, take } = start();
    await store.setLeave('tts', 1, { until: null, note: null });
    const leave = await keyOf('leave:*');
    const [person = ''] = await connection.redis.hkeys(leave);
    await connection.redis.hset(leave, person, 'nonsense');
    expect(await take(null)).toEqual({ assignee: 1, replayed: false });
    expect(await store.places(rotation, [1])).toMatchObject([{ away: null }]);
    await store.setLeave('tts', 2, { until: null, note: null });
    await store.setLeave('tts', 1, { until: null, note: null });
    expect(await take(null)).toEqual({ assignee: 3, replayed: false });
  });

  it('show a leave that ends beyond all dates as one without an end', async () => {
    const { store, keyOf } = start();
    await store.setLeave('tts', 1, { until: null, note: null });
    const leave = await keyOf('leave:*');
    const [person = ''] = await connection.redis.hkeys(leave);
    await connection.redis.hset(leave, person, '99999999999999999:');
    expect(await store.places(rotation, [1])).toMatchObject([{ away: { until: null, note: null } }]);
  });
});
