import { describe, expect, it } from 'vitest';
import { createMemoryStore } from '../../../../server/src/assignment/memory/memory-store.ts';
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
