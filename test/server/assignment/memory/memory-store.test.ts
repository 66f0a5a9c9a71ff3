import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../../server/src/assignment/memory/memory-store.ts';
import { compareTurnIds } from '../../../../server/src/assignment/turn-ids.ts';
import type { AppError } from '../../../../server/src/errors.ts';
import { describeAssignmentStore } from '../../../support/redis/assignment-store-contract.ts';
import { heapBytes } from '../../../support/measure/collect-garbage.ts';
import { createClock } from '../../../support/app/start-app.ts';
import { lastTurns } from '../../../support/redis/last-turns.ts';

const by = 'staff 1';
const callerId = 1;
const hours = (count: number) => count * 60 * 60 * 1_000;

describe('the memory store', () => {
  describeAssignmentStore({ create: (options) => createMemoryStore({ ...options, now: () => 0 }), runs: 100 });

  it('forgets a key after 24 hours', async () => {
    const clock = createClock();
    const store = createMemoryStore({ now: clock.now });
    const take = (candidates: number[], key: string) => store.take({ rotation: 'r', candidates, key, by, callerId });
    await take([1, 2], 'T-1');
    clock.advance(hours(24) - 1);
    expect(await take([2], 'T-1')).toEqual({ assignee: 1, replayed: true });
    clock.advance(1);
    expect(await take([1, 2], 'T-1')).toEqual({ assignee: 2, replayed: false });
  });

  it('forgets only a rotation that was unused for 30 days', async () => {
    const clock = createClock();
    const store = createMemoryStore({ now: clock.now });
    const take = (rotation: string) => store.take({ rotation, candidates: [1, 2], key: null, by, callerId });
    await take('unused');
    await take('used');
    clock.advance(hours(24 * 30) - 1);
    await take('used');
    clock.advance(1);
    expect(await lastTurns(store, 'unused', [1, 2])).toEqual([0, 0]);
    expect(await lastTurns(store, 'used', [1, 2])).toEqual([1, 2]);
  });

  it('ends a limit window one hour after its first addition', async () => {
    const clock = createClock();
    const limits = { keysPerPersonPerHour: 1, keysPerRotationPerHour: 1, rotationsPerPersonPerHour: 1 };
    const store = createMemoryStore({ now: clock.now, limits });
    const take = (key: string, rotation = 'r') => store.take({ rotation, candidates: [1, 2], key, by, callerId });
    const reason = (call: Promise<unknown>) => call.catch(({ retryAfterSeconds }: AppError) => retryAfterSeconds);
    await take('T-1');
    clock.advance(hours(1) - 1_000);
    expect(await reason(take('T-2'))).toBe(1);
    clock.advance(1_000);
    expect(await take('T-2')).toEqual({ assignee: 2, replayed: false });
    expect(await reason(take('T-3', 's'))).toBe(3_600);
    // A clock that is set back a day does not make the wait longer than an hour.
    clock.advance(hours(-24));
    expect(await reason(take('T-3'))).toBe(3_600);
    clock.advance(hours(1));
    expect(await take('T-3', 's')).toEqual({ assignee: 1, replayed: false });
  });
});

describe('the memory store by its clock', () => {
  const start = () => {
    const clock = createClock();
    const store = createMemoryStore({ now: clock.now });
    const call = { rotation: 'tts/technician', candidates: [1, 2, 3, 4], by, callerId };
    return {
      clock,
      store,
      take: (key: string | null, candidates = call.candidates) => store.take({ ...call, key, candidates }),
      handOver: (key: string, repeatKey: string, repeatForMs?: number) =>
        store.handOver({ ...call, key, repeatKey, repeatForMs }),
      placeOf: async (id: number) => (await store.places(call.rotation, [id]))[0],
    };
  };

  it('gives the time of the earlier turn back with a handover, and none to a person without a turn', async () => {
    const { clock, take, handOver, placeOf } = start();
    await take('T-1', [1]);
    const before = await placeOf(1);
    expect(before).toEqual({ lastTurn: 1, lastTurnAtMs: clock.now(), turns: 1, away: null });
    clock.advance(1_000);
    await take('T-2', [1]);
    await take('T-3', [2]);
    await handOver('T-2', 'a');
    await handOver('T-3', 'b');
    expect(await placeOf(1)).toEqual(before);
    expect(await placeOf(2)).toMatchObject({ lastTurn: 0, lastTurnAtMs: null, turns: 0 });
  });

  it('counts a repeat of a handover for its time, and otherwise as long as the key', async () => {
    const { clock, take, handOver } = start();
    await take('T-1');
    expect(await handOver('T-1', 'a', 60_000)).toEqual({ assignee: 2, replayed: false });
    expect(await handOver('T-1', 'b')).toEqual({ assignee: 3, replayed: false });
    clock.advance(59_999);
    expect(await handOver('T-1', 'a', 60_000)).toEqual({ assignee: 2, replayed: true });
    clock.advance(1);
    expect(await handOver('T-1', 'a', 60_000)).toEqual({ assignee: 4, replayed: false });
    expect(await handOver('T-1', 'b')).toEqual({ assignee: 3, replayed: true });
    // A handover does not make the key live longer.
    clock.advance(hours(24) - 60_000);
    expect(await handOver('T-1', 'b')).toBe('not_found');
  });

  it('ends a leave at its end', async () => {
    const { clock, store, take, placeOf } = start();
    const until = new Date(clock.now() + 1_000);
    await store.setLeave('tts', 1, { until, note: null });
    clock.advance(999);
    expect(await take(null, [1])).toBe(null);
    expect(await placeOf(1)).toMatchObject({ away: { until } });
    clock.advance(1);
    expect(await placeOf(1)).toMatchObject({ away: null });
    expect(await take(null, [1])).toMatchObject({ assignee: 1 });
  });

  it('gives entries ids in their order even if the clock is set back', async () => {
    const { clock, store, take } = start();
    for (const advance of [1, -5_000, 2, -5_000, 0]) {
      clock.advance(advance);
      await take(`T-${advance}`, [1]);
      await take(null, [1]);
    }
    const ids = (await store.historyAfter('tts/technician', '0-0', 100)).map(({ id }) => id);
    expect(ids).toEqual(ids.toSorted(compareTurnIds));
    expect(new Set(ids).size).toBe(ids.length);
  });
});

describe('the leaves of the memory store', () => {
  const endless = { until: null, note: null };

  it('are never evicted: a full store rejects new ones, and drops those that have ended first', async () => {
    const clock = createClock();
    // An eighth is for leaves: five of them with short notes.
    const store = createMemoryStore({ now: clock.now, maxBytes: 8 * 5 * 310 });
    const set = (id: number, until: Date | null = null) => store.setLeave('tts', id, { until, note: 'Arzt' });
    const reasonOf = (call: Promise<void>) => call.then(() => 'set').catch(({ reason }: AppError) => reason);
    for (const id of [1, 2, 3, 4]) await set(id);
    const soon = new Date(clock.now() + 1_000);
    await set(5, soon);
    expect(await reasonOf(set(6))).toBe('rate_limited');
    // People who are away may change their leave.
    expect(await reasonOf(set(4))).toBe('set');
    for (let change = 0; change < 10; change += 1) await set(4);
    expect(await reasonOf(set(6))).toBe('rate_limited');
    clock.advance(1_000);
    expect(await reasonOf(set(6))).toBe('set');
    expect(await reasonOf(set(7))).toBe('rate_limited');
    await store.setLeave('tts', 1, null);
    expect(await reasonOf(set(7))).toBe('set');
    const places = await store.places('tts/technician', [1, 2, 3, 4, 5, 6, 7]);
    expect(places.map(({ away }) => away !== null)).toEqual([false, true, true, true, false, true, true]);
  });

  it('are at most 10,000', async () => {
    const store = createMemoryStore({ now: () => 0 });
    for (let id = 1; id <= 10_000; id += 1) await store.setLeave('tts', id, endless);
    await expect(store.setLeave('tts', 10_001, endless)).rejects.toMatchObject({ reason: 'rate_limited' });
    await store.setLeave('tts', 10_000, endless);
  });
});

describe('the size of the memory store', () => {
  const unlimited = {
    keysPerPersonPerHour: Number.MAX_SAFE_INTEGER,
    keysPerRotationPerHour: Number.MAX_SAFE_INTEGER,
    rotationsPerPersonPerHour: Number.MAX_SAFE_INTEGER,
  };
  const maxBytes = 1_600_000;
  const start = () => {
    const clock = createClock();
    const forgotten: string[] = [];
    const onForgotten = (what: string) => void forgotten.push(what);
    const store = createMemoryStore({ now: clock.now, limits: unlimited, maxBytes, onForgotten });
    const take = (rotation: string, key: string | null, candidates = [1, 2, 3]) =>
      store.take({ rotation, candidates, key, by, callerId });
    return { clock, forgotten, store, take };
  };

  it('is bounded: only the rotation with the most keys loses its oldest keys', async () => {
    const { forgotten, store, take } = start();
    for (let key = 0; key < 100; key += 1) await take('quiet', `T-${key}`);
    let mostBytes = 0;
    for (let key = 0; key < 4_000; key += 1) {
      await take('flooded', `${'x'.repeat(190)}-${key}`);
      mostBytes = Math.max(mostBytes, store.bytes());
    }
    expect(mostBytes).toBeLessThanOrEqual(maxBytes);
    for (let key = 0; key < 100; key += 1) expect(await take('quiet', `T-${key}`)).toMatchObject({ replayed: true });
    // The newest key is known, and the first one is not.
    expect(await take('flooded', `${'x'.repeat(190)}-3999`)).toMatchObject({ replayed: true });
    expect(await take('flooded', `${'x'.repeat(190)}-0`)).toMatchObject({ replayed: false });
    expect(forgotten).toEqual(['history', 'keys']);
  });

  it('includes handovers, and is reduced by them', async () => {
    const { forgotten, store, take } = start();
    const candidates = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11];
    let mostBytes = 0;
    for (let key = 0; key < 600; key += 1) {
      await take('r', `T-${key}`, candidates);
      for (let step = 0; step < 10; step += 1) {
        const handOver = { rotation: 'r', candidates, key: `T-${key}`, by, callerId, repeatKey: `${step}` };
        expect(await store.handOver(handOver)).toMatchObject({ replayed: false });
      }
      mostBytes = Math.max(mostBytes, store.bytes());
    }
    expect(mostBytes).toBeLessThanOrEqual(maxBytes);
    // 260 bytes a key and 150 a handover: half of the bytes have room for 454 keys, and an eviction leaves at least 400.
    expect(forgotten).toContain('keys');
    expect(await take('r', 'T-100', candidates)).toMatchObject({ replayed: false });
    expect(await take('r', 'T-250', candidates)).toMatchObject({ replayed: true });
  });

  it('is bounded for histories: the rotation with the largest one loses its oldest entries', async () => {
    const { forgotten, store, take } = start();
    const longKey = 'x'.repeat(190);
    for (let key = 0; key < 50; key += 1) await take('quiet', `T-${key}`);
    for (let key = 0; key < 1_900; key += 1) await take('flooded', `${longKey}-${key}`);
    expect(forgotten).toContain('history');
    expect(await store.history('quiet', 500)).toHaveLength(50);
    // 200 bytes an entry and two for each character: a quarter of the bytes has room for 670 of them.
    const left = await store.historyAfter('flooded', '0-0', 5_000);
    expect(left.length).toBeGreaterThan(500);
    expect(left.length).toBeLessThan(700);
    const keys = Array.from({ length: left.length }, (_, index) => `${longKey}-${1_900 - left.length + index}`);
    expect(left.map(({ entry }) => entry.key)).toEqual(keys);
  });

  it('does not grow with a full history', async () => {
    const { store, take } = start();
    for (let turn = 0; turn < 1_000; turn += 1) await take('r', null);
    const full = store.bytes();
    for (let turn = 0; turn < 2_500; turn += 1) await take('r', null);
    expect(store.bytes()).toBe(full);
  });

  it('is bounded for any number of rotations: the least recently used are evicted first', async () => {
    const { forgotten, store, take } = start();
    let mostBytes = 0;
    for (let turn = 0; turn < 5_000; turn += 1) {
      await take(`tts/made-up-${turn}`, null);
      if (turn % 10 === 0) await take('tts/technician', null);
      mostBytes = Math.max(mostBytes, store.bytes());
    }
    expect(mostBytes).toBeLessThanOrEqual(maxBytes);
    expect(Math.max(...(await lastTurns(store, 'tts/technician', [1, 2, 3])))).toBe(500);
    expect(await lastTurns(store, 'tts/made-up-0', [1])).toEqual([0]);
    expect(forgotten).toEqual(['rotations']);
  });

  it('includes the people of a rotation', async () => {
    const { store, take } = start();
    await take('r', null, [1]);
    const before = store.bytes();
    for (let id = 2; id < 102; id += 1) await take('r', null, [id]);
    // Each turn also adds an entry to the history.
    expect(store.bytes() - before).toBe(100 * (120 + 200));
  });

  it('is reduced by expired keys of all rotations before other keys are evicted', async () => {
    const { clock, forgotten, take } = start();
    for (let key = 0; key < 2_500; key += 1) await take('yesterday', `T-${key}`);
    clock.advance(hours(24));
    for (let key = 0; key < 2_500; key += 1) await take('today', `T-${key}`);
    const notReplayed: number[] = [];
    for (let key = 0; key < 2_500; key += 1) {
      const turn = await take('today', `T-${key}`);
      if (turn?.replayed !== true) notReplayed.push(key);
    }
    expect(notReplayed).toEqual([]);
    expect(forgotten).not.toContain('keys');
  });

  it('is reported as exceeded once an hour', async () => {
    const { clock, forgotten, take } = start();
    for (const _hour of [1, 2]) {
      for (let key = 0; key < 5_000; key += 1) await take('r', `T-${clock.now()}-${key}`);
      clock.advance(hours(1));
    }
    expect(forgotten.filter((what) => what === 'keys')).toHaveLength(2);
  });

  it('on the heap does not exceed the estimate', async () => {
    const before = heapBytes();
    const store = createMemoryStore({ now: () => 0, limits: unlimited });
    for (let key = 0; key < 40_000; key += 1) {
      await store.take({
        rotation: `r-${key % 500}`,
        candidates: [1, 2, 3],
        key: `${'№'.repeat(190)}-${key}`,
        by,
        callerId,
      });
    }
    const grown = heapBytes() - before;
    // Other parts of the process may have grown meanwhile, by much less than the estimate.
    expect(grown).toBeLessThan(store.bytes() * 1.3);
    expect(store.bytes()).toBeLessThan(40_000_000);
  });
});
