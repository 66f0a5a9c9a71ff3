import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRedisStore } from '../../../../server/src/assignment/redis/redis-store.ts';
import type { RedisConnection } from '../../../../server/src/platform/redis/redis.ts';
import { startConnectedRedis } from '../../../support/redis/connected-redis.ts';
import { hasRedis } from '../../../support/redis/redis.ts';

const sealingSecret = 'a-sealing-secret-of-the-tests';
const hourMs = 3_600_000;

describe.skipIf(!hasRedis())('leaves in Redis', () => {
  let started: Awaited<ReturnType<typeof startConnectedRedis>>;
  let connection: RedisConnection;
  beforeAll(async () => {
    started = await startConnectedRedis();
    ({ connection } = started);
  });
  afterAll(() => started[Symbol.asyncDispose]());
  beforeEach(() => connection.redis.flushall());

  const store = () => createRedisStore({ ...connection, prefix: '', sealingSecret });
  const set = (id: number, until: Date | null, note: string | null = null) =>
    store().setLeave('tts', id, { until, note });
  const hash = async () => (await connection.redis.keys('leave:*'))[0] ?? 'no such key';
  const awayOf = async (ids: number[]) =>
    (await store().places('tts/technician', ids)).flatMap(({ away }, index) => (away === null ? [] : [ids[index]]));
  const inFuture = (ms: number) => new Date(Date.now() + ms);

  it('end by the clock of Redis, and their people get turns', async () => {
    await set(1, inFuture(150));
    await set(2, inFuture(hourMs));
    const take = () =>
      store().take({ rotation: 'tts/technician', candidates: [1, 2], key: null, by: 'staff 9', callerId: 9 });
    await vi.waitFor(async () => expect(await take()).toMatchObject({ assignee: 1 }));
    // Person 2 is still away, and so is next at no time.
    expect(await take()).toMatchObject({ assignee: 1 });
    expect(await awayOf([1, 2])).toEqual([2]);
    // The next leave drops the one that has ended.
    await set(3, inFuture(hourMs));
    expect(await connection.redis.hlen(await hash())).toBe(2);
  });

  it('are dropped by Redis with the last one, and never while one has no end', async () => {
    const ttl = async () => connection.redis.pttl(await hash());
    await set(1, inFuture(2 * hourMs));
    await set(2, inFuture(hourMs));
    expect(await ttl()).toBeGreaterThan(1.9 * hourMs);
    expect(await ttl()).toBeLessThanOrEqual(2 * hourMs);
    await set(3, null);
    expect(await ttl()).toBe(-1);
    await set(2, inFuture(hourMs));
    expect(await ttl()).toBe(-1);
    await store().setLeave('tts', 3, null);
    await set(2, inFuture(hourMs));
    expect(await ttl()).toBeLessThanOrEqual(2 * hourMs);
    for (const id of [1, 2]) await store().setLeave('tts', id, null);
    expect(await connection.redis.keys('leave:*')).toEqual([]);
  });

  it('are at most 10,000 for a system, without those that have ended', async () => {
    await set(1, null);
    const key = await hash();
    const others = (count: number, leave: string) =>
      Array.from({ length: count }, (_, index) => [`${leave}-${index}`, leave]).flat();
    await connection.redis.hset(key, ...others(5_000, '1:'));
    await connection.redis.hset(key, ...others(9_998, '0:'));
    await set(2, null);
    expect(await connection.redis.hlen(key)).toBe(10_000);
    await expect(set(3, null)).rejects.toMatchObject({ reason: 'rate_limited' });
    // People who are away may change their leave, and come back.
    await set(2, inFuture(hourMs));
    await store().setLeave('tts', 1, null);
    await set(3, null);
    expect(await awayOf([1, 2, 3])).toEqual([2, 3]);
  });

  it('keep a note only for its person and its system', async () => {
    await set(1, null, 'Zahnarzt');
    await set(2, null, 'Urlaub');
    const key = await hash();
    const [[one, note] = ['', ''], [other] = ['']] = Object.entries(await connection.redis.hgetall(key));
    await connection.redis.hset(key, other, note);
    const notes = (await store().places('tts/technician', [1, 2])).map(({ away }) => away?.note);
    expect(notes.filter((text) => text === null)).toHaveLength(1);
    expect(one).not.toBe(other);
  });

  it('name people otherwise than rotations do', async () => {
    await store().take({ rotation: 'tts/technician', candidates: [1], key: null, by: 'staff 9', callerId: 9 });
    await set(1, null);
    const [turns = ''] = await connection.redis.keys('*:turns');
    const people = await connection.redis.hkeys(await hash());
    expect(await connection.redis.hkeys(turns)).not.toContain(people[0]);
  });
});
