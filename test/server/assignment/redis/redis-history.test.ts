import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { createRedisStore } from '../../../../server/src/assignment/redis/redis-store.ts';
import { createRotationKeys } from '../../../../server/src/assignment/redis/rotation-keys.ts';
import type { RedisConnection } from '../../../../server/src/platform/redis/redis.ts';
import { connectRedis, startConnectedRedis } from '../../../support/redis/connected-redis.ts';
import { hasRedis } from '../../../support/redis/redis.ts';

const sealingSecret = 'a-sealing-secret-of-the-tests';
const call = { rotation: 'tts/technician', candidates: [1, 2, 3], by: 'staff 9', callerId: 9 };
const days = (count: number) => count * 24 * 60 * 60 * 1_000;

describe.skipIf(!hasRedis())('the history of turns in Redis', () => {
  let started: Awaited<ReturnType<typeof startConnectedRedis>>;
  let connection: RedisConnection;
  beforeAll(async () => {
    started = await startConnectedRedis();
    ({ connection } = started);
  });
  afterAll(() => started[Symbol.asyncDispose]());
  beforeEach(() => connection.redis.flushall());

  const storeOf = (prefix = '') => createRedisStore({ ...connection, prefix, sealingSecret });
  const keyOf = async (pattern: string) => (await connection.redis.keys(pattern))[0] ?? 'no such key';
  const valuesOf = async (key: string) =>
    (await connection.redis.xrange(key, '-', '+')).map(([, [, value = '']]) => value);
  const take = (key: string | null, rotation = call.rotation) => storeOf().take({ ...call, rotation, key });
  const keysIn = async (rotation: string) => (await storeOf().history(rotation, 500)).map(({ entry }) => entry.key);

  it('names the caller and the kind of each turn', async () => {
    await storeOf().take({ ...call, key: 'T-1', callerId: 7 });
    await storeOf().handOver({ ...call, key: 'T-1', callerId: 8, repeatKey: 'a' });
    await take(null);
    const entries = (await storeOf().history(call.rotation, 500)).map(({ entry: { at: _at, ...entry } }) => entry);
    expect(entries).toEqual([
      { key: null, assignee: 1, by: 9, kind: 'assigned' },
      { key: 'T-1', assignee: 2, by: 8, kind: 'reassigned' },
      { key: 'T-1', assignee: 1, by: 7, kind: 'assigned' },
    ]);
  });

  it('leaves out entries that were changed, or written for another rotation', async () => {
    for (const key of ['T-1', 'T-2', 'T-3']) await take(key);
    await take('M-1', 'tts/manager');
    const history = await storeOf().history('tts/manager', 1);
    expect(history).toHaveLength(1);
    const [stream, other] = await Promise.all(
      ['tts/technician', 'tts/manager'].map(async (rotation) => {
        const streams = await connection.redis.keys('*:history');
        const lengths = await Promise.all(streams.map((one) => connection.redis.xlen(one)));
        return streams[lengths.indexOf(rotation === 'tts/manager' ? 1 : 3)] ?? 'no such stream';
      }),
    );
    const [first = ''] = await valuesOf(stream ?? '');
    const [foreign = ''] = await valuesOf(other ?? '');
    const changed = `${first.slice(0, -2)}${first.at(-2) === 'A' ? 'B' : 'A'}${first.at(-1)}`;
    const values = [
      changed,
      foreign,
      // The assignee of one rotation, and the rest of another.
      foreign.slice(0, 22) + first.slice(22),
      first.slice(0, 22) + foreign.slice(22),
      `${'A'.repeat(22)}${first.slice(22)}`,
      first.slice(0, 30),
      '',
    ];
    for (const value of values) await connection.redis.xadd(stream ?? '', '*', 'e', value);
    await take('T-4');
    expect(await keysIn('tts/technician')).toEqual(['T-4', 'T-3', 'T-2', 'T-1']);
    expect((await storeOf().historyAfter('tts/technician', '0-0', 500)).map(({ entry }) => entry.key)).toEqual([
      'T-1',
      'T-2',
      'T-3',
      'T-4',
    ]);
  });

  it('seals equal entries differently, and nothing in Redis is readable', async () => {
    const store = storeOf();
    for (let turn = 0; turn < 600; turn += 1) void store.take({ ...call, candidates: [1], key: null });
    await store.take({ ...call, key: 'TICKET-4711' });
    await store.handOver({ ...call, key: 'TICKET-4711', repeatKey: 'REPEAT-4712' });
    await store.setLeave('tts', 1, { until: null, note: 'NOTE-4713' });
    const values = await valuesOf(await keyOf('*:history'));
    expect(new Set(values.map((value) => value.slice(22, 38))).size).toBe(602);

    const texts: string[] = values;
    for (const key of await connection.redis.keys('*')) {
      const type = await connection.redis.type(key);
      texts.push(key);
      if (type === 'string') texts.push((await connection.redis.get(key)) ?? '');
      if (type === 'hash') texts.push(JSON.stringify(await connection.redis.hgetall(key)));
    }
    expect(texts.join('\n')).not.toMatch(/TICKET-4711|REPEAT-4712|NOTE-4713|technician/i);
  });

  it('expires with its rotation, and a turn renews both', async () => {
    await take('T-1');
    const ttls = async () =>
      Promise.all(['*:turns', '*:history'].map(async (name) => connection.redis.pttl(await keyOf(name))));
    for (const ttl of await ttls()) {
      expect(ttl).toBeGreaterThan(days(29.9));
      expect(ttl).toBeLessThanOrEqual(days(30));
    }
    const age = async () => {
      for (const name of ['*:turns', '*:history']) await connection.redis.pexpire(await keyOf(name), days(3));
    };
    await age();
    // Nobody knows when the first turn of a person would have been, so it counts as long ago.
    await storeOf().take({ ...call, candidates: [9], key: 'T-2' });
    for (const ttl of await ttls()) expect(ttl).toBeGreaterThan(days(29.9));
    await age();
    const lastTurnAtMs = Number((await connection.redis.time())[0]) * 1_000 - 11 * 60_000;
    const [sealed = ''] = Object.entries(await connection.redis.hgetall(await keyOf('*:turns'))).find(
      ([field, value]) => !field.startsWith('s:') && field !== 'turns' && value === '2',
    ) ?? [''];
    await connection.redis.hset(await keyOf('*:turns'), `s:${sealed}`, `2 1 ${lastTurnAtMs}`);
    await storeOf().take({ ...call, candidates: [9], key: 'T-3' });
    for (const ttl of await ttls()) expect(ttl).toBeGreaterThan(days(29.9));
    await age();
    // In a busy rotation, with each 50th turn.
    for (let turn = 4; turn <= 50; turn += 1) await storeOf().take({ ...call, candidates: [9], key: `T-${turn}` });
    for (const ttl of await ttls()) expect(ttl).toBeGreaterThan(days(29.9));
    await storeOf().reset(call.rotation);
    expect((await ttls())[0]).toBeGreaterThan(days(29.9));
  });

  it('keeps the turn of a key for a day, and a handover does not renew it', async () => {
    await take('T-1');
    const key = await keyOf('*:key:*');
    const ttl = await connection.redis.pttl(key);
    expect(ttl).toBeGreaterThan(days(0.99));
    expect(ttl).toBeLessThanOrEqual(days(1));
    await connection.redis.pexpire(key, 600_000);
    await storeOf().handOver({ ...call, key: 'T-1', repeatKey: 'a' });
    const left = await connection.redis.pttl(key);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(600_000);
  });

  it('stores an assignee so that an earlier version, which expects nothing else, still opens it', async () => {
    const assignee = await take('T-1');
    const stored = (await connection.redis.get(await keyOf('*:key:*'))) ?? '';
    expect(stored).toMatch(/^[\w-]{22}=1 0 0$/);
    const rotationKeys = createRotationKeys({ prefix: 'auth-bff:', sealingSecret });
    expect(rotationKeys.open(call.rotation, stored)).toBe(assignee?.assignee);
  });

  it('gives the time of the earlier turn back with a handover, unless an earlier version gave it', async () => {
    const store = storeOf();
    const placeOf = async (id: number) => (await store.places(call.rotation, [id]))[0];
    const takeAlone = (key: string) => store.take({ ...call, candidates: [1], key });
    /** So that two turns have different times. */
    const untilLater = async () => {
      const before = (await placeOf(1))?.lastTurnAtMs ?? 0;
      await vi.waitFor(async () => {
        const [seconds = 0, micros = 0] = (await connection.redis.time()).map(Number);
        expect(seconds * 1_000 + Math.floor(micros / 1_000)).toBeGreaterThan(before);
      });
    };
    await takeAlone('T-1');
    const first = await placeOf(1);
    expect(first?.lastTurnAtMs).toBeGreaterThan(0);
    await untilLater();
    await takeAlone('T-2');
    expect((await placeOf(1))?.lastTurnAtMs).not.toBe(first?.lastTurnAtMs);
    expect(await store.handOver({ ...call, key: 'T-2', repeatKey: 'a' })).toMatchObject({ assignee: 2 });
    expect(await placeOf(1)).toEqual(first);

    // An earlier version writes the numbers, and no time.
    const turns = await keyOf('*:turns');
    const fields = await connection.redis.hgetall(turns);
    const person = Object.keys(fields).find((field) => fields[field] === '1' && field !== 'turns') ?? 'nobody';
    await connection.redis.hset(turns, 'turns', 4, person, 4);
    expect(await placeOf(1)).toEqual({ lastTurn: 4, lastTurnAtMs: null, turns: 1, away: null });
    await takeAlone('T-3');
    expect(await store.handOver({ ...call, key: 'T-3', repeatKey: 'b' })).toMatchObject({ assignee: 3 });
    expect(await placeOf(1)).toEqual({ lastTurn: 4, lastTurnAtMs: null, turns: 1, away: null });
  });

  it('gives turns although the Redis user may not publish', async () => {
    const rules = ['on', '>a-password', '~*', '+@all', '-publish', 'resetchannels'];
    await connection.redis.call('ACL', 'SETUSER', 'quiet', ...rules);
    const url = started.server.url.replace('redis://', 'redis://quiet:a-password@');
    const quiet = await connectRedis(url);
    const store = createRedisStore({ ...quiet, prefix: 'quiet:', sealingSecret });
    for (const assignee of [1, 2, 3]) {
      expect(await store.take({ ...call, key: `T-${assignee}` })).toEqual({ assignee, replayed: false });
    }
    expect(await store.history(call.rotation, 500)).toHaveLength(3);
    quiet.close();
  });
});
