import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AssignmentLimits, defaultAssignmentLimits } from '../../../server/src/assignment/assignment-limits.ts';
import type { AssignmentStore, Take } from '../../../server/src/assignment/assignment-store.ts';
import { isAppError } from '../../../server/src/errors.ts';
import { createAssignmentModel, stateOf } from './assignment-model.ts';
import { lastTurns } from './last-turns.ts';

/** A default caller. */
const by = 'staff 1';
const callerId = 1;

const people = fc
  .uniqueArray(fc.integer({ min: 1, max: 8 }), { maxLength: 8 })
  .map((ids) => ids.toSorted((a, b) => a - b));
const rotationName = fc.constantFrom('tts/technician', 'tts/manager', 'ams/user');
const assignmentKey = fc.constantFrom('T-1', 'T-2', 'T-3', 'T-4', 'ключ {}:*');
const step = fc.oneof(
  fc.record({
    kind: fc.constant('take' as const),
    rotation: rotationName,
    candidates: people,
    key: fc.option(assignmentKey),
    callerId: fc.nat(9),
  }),
  fc.record({
    kind: fc.constant('handOver' as const),
    rotation: rotationName,
    candidates: people,
    key: assignmentKey,
    callerId: fc.nat(9),
    repeatKey: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
  }),
  fc.record({
    kind: fc.constant('leave' as const),
    system: fc.constantFrom('tts', 'ams'),
    id: fc.integer({ min: 1, max: 8 }),
    isAway: fc.boolean(),
  }),
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('reset' as const), rotation: rotationName }) },
  fc.record({ kind: fc.constant('places' as const), rotation: rotationName }),
);
const everybody = [1, 2, 3, 4, 5, 6, 7, 8];

type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;
type Of<Kind extends Step['kind']> = Extract<Step, { kind: Kind }>;

export type StoreContractOptions = {
  /** Creates an empty store. Limits: the defaults. */
  create: (options?: { limits: AssignmentLimits }) => AssignmentStore;
  runs: number;
};

/** The contract tests of every assignment store. */
export const describeAssignmentStore = ({ create, runs }: StoreContractOptions): void => {
  it('matches the reference model for any interleaving of next, reassign, away, back, exclude, reset and replays', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60, size: 'max' }), async (steps) => {
        const [store, model] = [create(), createAssignmentModel()];
        const matches = async (rotation: string) => {
          // The model counts turns as the stores do, so that even the numbers are the same.
          expect(await stateOf(store, rotation, everybody)).toEqual({
            places: model.places(rotation, everybody),
            history: model.history(rotation),
          });
        };
        const run = {
          take: async (one: Of<'take'>) => expect(await store.take({ ...one, by })).toEqual(model.take({ ...one, by })),
          handOver: async (one: Of<'handOver'>) =>
            expect(await store.handOver({ ...one, by })).toEqual(model.handOver({ ...one, by })),
          leave: async ({ system, id, isAway }: Of<'leave'>) => {
            await store.setLeave(system, id, isAway ? { until: null, note: 'Zahnarzt' } : null);
            model.setAway(system, id, isAway);
          },
          reset: async ({ rotation }: Of<'reset'>) => {
            await store.reset(rotation);
            model.reset(rotation);
          },
          places: ({ rotation }: Of<'places'>) => matches(rotation),
        };
        for (const one of steps) await run[one.kind](one as never);
        for (const rotation of ['tts/technician', 'tts/manager', 'ams/user']) await matches(rotation);
      }),
      { numRuns: runs },
    );
  });

  it('keeps turn counts within one of each other while the candidates stay the same without exclusions', async () => {
    await fc.assert(
      fc.asyncProperty(
        people.filter(({ length }) => length > 0),
        fc.integer({ min: 1, max: 40 }),
        async (ids, turns) => {
          const store = create();
          const counts = new Map(ids.map((id) => [id, 0]));
          for (let turn = 0; turn < turns; turn += 1) {
            const taken = await store.take({ rotation: 'r', candidates: ids, key: null, by, callerId });
            if (taken !== null) counts.set(taken.assignee, (counts.get(taken.assignee) ?? 0) + 1);
          }
          expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: runs },
    );
  });

  it('assigns a previously excluded candidate next', async () => {
    const group = [1, 2, 3, 4];
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 20 }), async (before, during) => {
        const store = create();
        const take = (candidates: number[]) => store.take({ rotation: 'r', candidates, key: null, by, callerId });
        for (let turn = 0; turn < before; turn += 1) await take(group);
        const turns = await lastTurns(store, 'r', group);
        const next = group.toSorted((a, b) => (turns[a - 1] ?? 0) - (turns[b - 1] ?? 0) || a - b)[0] ?? 0;
        for (let turn = 0; turn < during; turn += 1) {
          expect((await take(group.filter((id) => id !== next)))?.assignee).not.toBe(next);
        }
        expect((await take(group))?.assignee).toBe(next);
      }),
      { numRuns: runs },
    );
  });

  it('starves no candidate while others join and leave', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(people, { minLength: 1, maxLength: 80, size: 'max' }), async (lists) => {
        const store = create();
        let waited = 0;
        for (const others of lists) {
          const candidates = [...new Set([...others, 5])].toSorted((a, b) => a - b);
          const taken = await store.take({ rotation: 'r', candidates, key: null, by, callerId });
          waited = taken?.assignee === 5 ? 0 : waited + 1;
          // At most seven others have one turn each between two turns of a candidate.
          expect(waited).toBeLessThanOrEqual(7);
        }
      }),
      { numRuns: runs },
    );
  });

  it('assigns a new candidate one turn and then in rotation, and a returning candidate at the previous place', async () => {
    const store = create();
    const take = async (candidates: number[]) =>
      (await store.take({ rotation: 'r', candidates, key: null, by, callerId }))?.assignee;
    for (const expected of [1, 2, 3, 1, 2]) expect(await take([1, 2, 3])).toBe(expected);
    for (const expected of [9, 3, 1, 2, 9, 3]) expect(await take([1, 2, 3, 9])).toBe(expected);
    // Candidate 1 leaves, has waited longest on return, and gets one turn, not all missed ones.
    for (const expected of [2, 9, 3, 2]) expect(await take([2, 3, 9])).toBe(expected);
    for (const expected of [1, 9, 3, 2, 1]) expect(await take([1, 2, 3, 9])).toBe(expected);
  });

  it('returns the same assignee for concurrent calls with one key', async () => {
    const store = create();
    const keys = Array.from({ length: 20 }, (_, index) => `T-${index}`);
    const requestedKeys = keys.flatMap((key) => Array.from({ length: 10 }, () => key));
    const taken = await Promise.all(
      requestedKeys.map((key, index) =>
        store.take({ rotation: 'r', candidates: index % 2 ? [1, 2, 3] : [2, 3, 4], key, by, callerId }),
      ),
    );
    for (const key of keys) {
      const turns = taken.filter((_turn, index) => requestedKeys[index] === key);
      expect(new Set(turns.map((turn) => turn?.assignee)).size).toBe(1);
      expect(turns.filter((turn) => turn?.replayed === false)).toHaveLength(1);
    }
  });

  it('replays the assignee of a key even if no candidate is left', async () => {
    const store = create();
    expect(await store.take({ rotation: 'r', candidates: [], key: 'T-1', by, callerId })).toBe(null);
    expect(await store.take({ rotation: 'r', candidates: [7], key: 'T-1', by, callerId })).toEqual({
      assignee: 7,
      replayed: false,
    });
    expect(await store.take({ rotation: 'r', candidates: [], key: 'T-1', by, callerId })).toEqual({
      assignee: 7,
      replayed: true,
    });
    // The same key in another rotation is a different key.
    expect(await store.take({ rotation: 's', candidates: [8], key: 'T-1', by, callerId })).toEqual({
      assignee: 8,
      replayed: false,
    });
  });

  it('accepts more than a thousand candidates', async () => {
    const store = create();
    const candidates = Array.from({ length: 2_500 }, (_, index) => index + 1);
    const turns: Array<number | undefined> = [];
    for (let turn = 0; turn < 3; turn += 1) {
      turns.push(
        (await store.take({ rotation: 'r', candidates: candidates.slice(turn * 1_000), key: null, by, callerId }))
          ?.assignee,
      );
    }
    expect(turns).toEqual([1, 1_001, 2_001]);
    expect(await lastTurns(store, 'r', candidates)).toHaveLength(2_500);
  });

  it('gives the turn to a person beyond the first thousand when those have had theirs', async () => {
    const store = create();
    const all = Array.from({ length: 1_001 }, (_, index) => index + 1);
    const take = (candidates: number[]) => store.take({ rotation: 'r', candidates, key: null, by, callerId });
    await Promise.all(all.slice(0, 1_000).map((id) => take([id])));
    expect((await take(all))?.assignee).toBe(1_001);
    await store.setLeave('r', 1_001, { until: null, note: null });
    expect(await take([1_001])).toBe(null);
  });

  it('keeps the newest 1,000 entries of a history, and not many more', async () => {
    const store = create();
    const keys = Array.from({ length: 1_500 }, (_, index) => `T-${index}`);
    for (const key of keys) void store.take({ rotation: 'r', candidates: [1], key, by, callerId });
    await store.take({ rotation: 'r', candidates: [1], key: 'last', by, callerId });
    const kept = (await store.history('r', 1_000)).map(({ entry }) => entry.key);
    expect(kept).toEqual([...keys.slice(-999), 'last'].toReversed());
    const all = await store.historyAfter('r', '0-0', 5_000);
    expect(all.slice(-1_000).map(({ entry }) => entry.key)).toEqual(kept.toReversed());
    expect(all.length).toBeLessThanOrEqual(1_200);
  });

  it('keeps a leave with its end and its note for one system, and rejects an end that has passed', async () => {
    const store = create();
    const until = new Date(Date.now() + 86_400_000);
    await store.setLeave('tts', 1, { until, note: 'Zahnarzt: 9–12' });
    await store.setLeave('tts', 2, { until: null, note: null });
    const awayIn = async (rotation: string) => (await store.places(rotation, [1, 2, 3])).map(({ away }) => away);
    expect(await awayIn('tts/technician')).toEqual([
      { until, note: 'Zahnarzt: 9–12' },
      { until: null, note: null },
      null,
    ]);
    expect(await awayIn('ams/user')).toEqual([null, null, null]);
    await expect(store.setLeave('tts', 3, { until: new Date(-1), note: null })).rejects.toMatchObject({
      reason: 'invalid_input',
      issues: [{ path: 'until' }],
    });
    const take = (key: string | null, candidates = [1, 2]) =>
      store.take({ rotation: 'tts/technician', candidates, key, by, callerId });
    expect(await take(null)).toBe(null);
    await store.setLeave('tts', 1, null);
    expect(await take('T-1')).toEqual({ assignee: 1, replayed: false });
    await store.setLeave('tts', 1, { until, note: null });
    // A known key takes precedence over leave.
    expect(await take('T-1')).toEqual({ assignee: 1, replayed: true });
  });

  it('hands a key to each person once, gives the place back, and repeats a handover without another one', async () => {
    const store = create();
    const candidates = [1, 2, 3];
    const take = (key: string) => store.take({ rotation: 'r', candidates, key, by, callerId });
    const handOver = (repeatKey: string, key = 'T-2') =>
      store.handOver({ rotation: 'r', candidates, key, by, callerId, repeatKey });
    for (const key of ['T-1', 'T-2']) await take(key);
    expect(await handOver('a')).toEqual({ assignee: 3, replayed: false });
    expect(await handOver('a')).toEqual({ assignee: 3, replayed: true });
    // Person 2 waits at the place before T-2, as if they never had it.
    expect((await store.places('r', candidates)).map(({ lastTurn, turns }) => [lastTurn, turns])).toEqual([
      [1, 1],
      [0, 0],
      [3, 1],
    ]);
    expect(await handOver('b')).toEqual({ assignee: 1, replayed: false });
    expect(await handOver('c')).toBe('all_excluded');
    expect(await take('T-2')).toEqual({ assignee: 1, replayed: true });
    expect(await handOver('d', 'T-9')).toBe('not_found');
    const history = await store.history('r', 2);
    expect(history.map(({ entry }) => [entry.kind, entry.key, entry.assignee])).toEqual([
      ['reassigned', 'T-2', 1],
      ['reassigned', 'T-2', 3],
    ]);
  });

  it('gives a place back only for the latest turn of its person, and not after a reset', async () => {
    const store = create();
    const candidates = [1, 2, 3];
    const take = (key: string, ids = candidates) => store.take({ rotation: 'r', candidates: ids, key, by, callerId });
    const handOver = (key: string) => store.handOver({ rotation: 'r', candidates, key, by, callerId, repeatKey: 'a' });
    const places = async () => (await store.places('r', candidates)).map(({ lastTurn, turns }) => [lastTurn, turns]);
    for (const key of ['T-1', 'T-2']) await take(key, [1]);
    // T-1 was not the latest turn of person 1: one turn less, at the same place.
    expect(await handOver('T-1')).toMatchObject({ assignee: 2 });
    expect(await places()).toEqual([
      [2, 1],
      [3, 1],
      [0, 0],
    ]);
    await store.reset('r');
    await take('T-3', [1]);
    expect(await handOver('T-2')).toMatchObject({ assignee: 2 });
    expect(await places()).toEqual([
      [4, 1],
      [5, 1],
      [0, 0],
    ]);
  });

  it('tells whether everybody else has had a key or is away', async () => {
    const store = create();
    const handOver = (candidates: number[]) =>
      store.handOver({ rotation: 'tts/r', candidates, key: 'T-1', by, callerId, repeatKey: candidates.join() });
    await store.take({ rotation: 'tts/r', candidates: [1, 2, 3], key: 'T-1', by, callerId });
    for (const id of [1, 3]) await store.setLeave('tts', id, { until: null, note: null });
    expect(await handOver([1, 3])).toBe('all_away');
    expect(await handOver([1])).toBe('all_excluded');
    expect(await handOver([])).toBe('all_excluded');
    expect(await handOver([1, 2, 3])).toMatchObject({ assignee: 2 });
    expect(await handOver([1, 2, 3])).toMatchObject({ assignee: 2, replayed: true });
    expect(await handOver([1, 2])).toBe('all_excluded');
  });

  it('does not call a watcher that has stopped', async () => {
    const store = create();
    let calls = 0;
    const end = store.watch('r', () => {});
    store.watch('r', () => void (calls += 1))();
    for (const key of ['T-1', 'T-2']) await store.take({ rotation: 'r', candidates: [1, 2], key, by, callerId });
    await store.handOver({ rotation: 'r', candidates: [1, 2], key: 'T-1', by, callerId, repeatKey: 'a' });
    expect(calls).toBe(0);
    end();
  });

  describe('limits', () => {
    /** The id of the assignee, null if there is none, or the reason and retry delay of a rejection. */
    const outcomeOf = async (store: AssignmentStore, take: Partial<Take>) => {
      try {
        return await store.take({ rotation: 'r', candidates: [1, 2, 3], key: null, by, callerId, ...take });
      } catch (error) {
        if (!isAppError(error, 'rate_limited')) throw error;
        return { refused: error.message, retryAfterSeconds: error.retryAfterSeconds ?? 0 };
      }
    };
    const start = (limits: Partial<AssignmentLimits>) => {
      const store = create({ limits: { ...defaultAssignmentLimits, ...limits } });
      return { store, take: (take: Partial<Take>) => outcomeOf(store, take) };
    };
    const assigned = expect.objectContaining({ replayed: false });
    const refused = expect.objectContaining({ refused: expect.any(String) });

    it('reject a new key over the limit of a person across all rotations, without using a turn', async () => {
      const { store, take } = start({ keysPerPersonPerHour: 3 });
      for (const key of ['T-1', 'T-2', 'T-3']) expect(await take({ key })).toEqual(assigned);
      const turns = await lastTurns(store, 'r', [1, 2, 3]);
      for (const rotation of ['r', 's']) {
        const refusal = await take({ rotation, key: 'T-4' });
        expect(refusal).toMatchObject({ refused: expect.stringMatching(/^You have used 3 new assignment keys/) });
        const { retryAfterSeconds } = refusal as { retryAfterSeconds: number };
        expect(retryAfterSeconds).toBeGreaterThan(3_500);
        expect(retryAfterSeconds).toBeLessThanOrEqual(3_600);
      }
      expect(await lastTurns(store, 'r', [1, 2, 3])).toEqual(turns);
      expect(await lastTurns(store, 's', [1, 2, 3])).toEqual([0, 0, 0]);
      // The rejected key is still new for the next person.
      expect(await take({ key: 'T-4', by: 'staff 2' })).toEqual({ assignee: 1, replayed: false });
    });

    it('accept known keys and calls without a key, without counting them', async () => {
      const { take } = start({ keysPerPersonPerHour: 2 });
      await take({ key: 'T-1' });
      for (let call = 0; call < 5; call += 1) {
        expect(await take({ key: 'T-1' })).toEqual({ assignee: 1, replayed: true });
        expect(await take({})).toEqual(assigned);
      }
      expect(await take({ key: 'T-2' })).toEqual(assigned);
      expect(await take({ key: 'T-3' })).toEqual(refused);
      expect(await take({ key: 'T-1' })).toMatchObject({ replayed: true });
      expect(await take({})).toEqual(assigned);
    });

    it('count a handover like a new key, and change nothing if they reject it', async () => {
      const { store, take } = start({ keysPerPersonPerHour: 2 });
      const handOver = (repeatKey: string) =>
        store.handOver({ rotation: 'r', candidates: [1, 2, 3], key: 'T-1', by, callerId, repeatKey });
      await take({ key: 'T-1' });
      expect(await handOver('a')).toEqual({ assignee: 2, replayed: false });
      const before = await stateOf(store, 'r', [1, 2, 3]);
      await expect(handOver('b')).rejects.toMatchObject({ reason: 'rate_limited' });
      expect(await stateOf(store, 'r', [1, 2, 3])).toEqual(before);
      expect(await handOver('a')).toEqual({ assignee: 2, replayed: true });
      expect(await take({ key: 'T-1' })).toEqual({ assignee: 2, replayed: true });
    });

    it('of a rotation include handovers', async () => {
      const { store, take } = start({ keysPerRotationPerHour: 3 });
      const handOver = (repeatKey: string) =>
        store.handOver({ rotation: 'r', candidates: [1, 2, 3, 4], key: 'T-1', by, callerId, repeatKey });
      await take({ key: 'T-1' });
      await handOver('a');
      expect(await take({ key: 'T-2' })).toEqual(assigned);
      expect(await take({ key: 'T-3' })).toEqual(refused);
      await expect(handOver('b')).rejects.toMatchObject({ reason: 'rate_limited' });
      expect(await handOver('a')).toMatchObject({ replayed: true });
    });

    it('do not count calls that find no candidate or are rejected', async () => {
      const { take } = start({ keysPerPersonPerHour: 2, keysPerRotationPerHour: 1 });
      for (const key of ['T-1', 'T-2', 'T-3']) expect(await take({ key, candidates: [] })).toBe(null);
      expect(await take({ key: 'T-1' })).toEqual(assigned);
      for (const key of ['T-2', 'T-3']) expect(await take({ key })).toEqual(refused);
      expect(await take({ rotation: 's', key: 'T-2' })).toEqual(assigned);
    });

    it('reject a new key over the limit of a rotation for every caller, but not in other rotations', async () => {
      const { take } = start({ keysPerRotationPerHour: 2 });
      for (const id of [1, 2]) expect(await take({ key: `T-${id}`, by: `staff ${id}` })).toEqual(assigned);
      expect(await take({ key: 'T-3', by: 'staff 3' })).toMatchObject({
        refused: expect.stringMatching(/^This rotation has had 2 new assignment keys/),
      });
      expect(await take({ key: 'T-1', by: 'staff 3' })).toMatchObject({ replayed: true });
      expect(await take({ by: 'staff 3' })).toEqual(assigned);
      expect(await take({ rotation: 's', key: 'T-3', by: 'staff 3' })).toEqual(assigned);
    });

    it('reject a new rotation over the limit of a person, with or without a key, but no existing rotation', async () => {
      const { take } = start({ rotationsPerPersonPerHour: 2 });
      for (const rotation of ['a', 'b']) expect(await take({ rotation })).toEqual(assigned);
      for (const key of [null, 'T-1']) {
        expect(await take({ rotation: 'c', key })).toMatchObject({
          refused: expect.stringMatching(/^You have started 2 rotations/),
        });
      }
      // A call without candidates does not create a rotation.
      expect(await take({ rotation: 'd', candidates: [] })).toBe(null);
      for (const rotation of ['a', 'b']) expect(await take({ rotation, key: 'T-1' })).toEqual(assigned);
      expect(await take({ rotation: 'c', by: 'staff 2' })).toEqual({ assignee: 1, replayed: false });
      expect(await take({ rotation: 'c' })).toEqual({ assignee: 2, replayed: false });
    });

    it('count one key and one rotation for concurrent calls with one key', async () => {
      const { take } = start({ keysPerPersonPerHour: 20, rotationsPerPersonPerHour: 20 });
      const outcomes = await Promise.all(Array.from({ length: 15 }, () => take({ key: 'T-1' })));
      expect(new Set(outcomes.map((outcome) => outcome !== null && 'assignee' in outcome && outcome.assignee))).toEqual(
        new Set([1]),
      );
      for (let more = 0; more < 19; more += 1) {
        expect(await take({ rotation: `s-${more}`, key: 'T-1' })).toEqual(assigned);
      }
      for (const call of [{ key: 'T-2' }, { rotation: 'more' }]) expect(await take(call)).toEqual(refused);
    });

    it('accept exactly the permitted number of new keys from concurrent calls', async () => {
      const { store, take } = start({ keysPerPersonPerHour: 10 });
      const keys = Array.from({ length: 15 }, (_, index) => `T-${index}`);
      const outcomes = await Promise.all(keys.map((key) => take({ key })));
      const moved = outcomes.filter((outcome) => outcome !== null && 'replayed' in outcome && !outcome.replayed);
      expect(moved).toHaveLength(10);
      expect(Math.max(...(await lastTurns(store, 'r', [1, 2, 3])))).toBe(10);
    });
  });
};
