import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AssignmentLimits, defaultAssignmentLimits } from '../../../server/src/assignment/assignment-limits.ts';
import type { AssignmentStore, Take, Turn } from '../../../server/src/assignment/assignment-store.ts';
import { isAppError } from '../../../server/src/errors.ts';

/** The reference model: a simple store that every implementation must match. */
const createModel = (): AssignmentStore => {
  const rotations = new Map<string, { history: number[]; given: Map<string, number> }>();
  const of = (rotation: string) => {
    const found = rotations.get(rotation) ?? { history: [], given: new Map<string, number>() };
    rotations.set(rotation, found);
    return found;
  };
  const lastTurn = (history: readonly number[], id: number) => history.lastIndexOf(id) + 1;
  return {
    async take({ rotation, candidates, key }): Promise<Turn | null> {
      const { history, given } = of(rotation);
      const before = key === null ? undefined : given.get(key);
      if (before !== undefined) return { assignee: before, replayed: true };
      const [assignee] = candidates.toSorted((a, b) => lastTurn(history, a) - lastTurn(history, b) || a - b);
      if (assignee === undefined) return null;
      history.push(assignee);
      if (key !== null) given.set(key, assignee);
      return { assignee, replayed: false };
    },
    lastTurns: async (rotation, candidates) => candidates.map((id) => lastTurn(of(rotation).history, id)),
  };
};

/** A default caller. */
const by = 'staff 1';

const people = fc
  .uniqueArray(fc.integer({ min: 1, max: 8 }), { maxLength: 8 })
  .map((ids) => ids.toSorted((a, b) => a - b));
const rotationName = fc.constantFrom('tts/technician', 'tts/manager', 'ams/user');
const step = fc.oneof(
  fc.record({
    kind: fc.constant('take' as const),
    rotation: rotationName,
    candidates: people,
    key: fc.option(fc.constantFrom('T-1', 'T-2', 'T-3', 'T-4', 'ключ {}:*')),
  }),
  fc.record({ kind: fc.constant('lastTurns' as const), rotation: rotationName, candidates: people }),
);

export type StoreContractOptions = {
  /** Creates an empty store. Limits: the defaults. */
  create: (options?: { limits: AssignmentLimits }) => AssignmentStore;
  runs: number;
};

/** The contract tests of every assignment store. */
export const describeAssignmentStore = ({ create, runs }: StoreContractOptions): void => {
  it('matches the reference model for random sequences of takes, peeks, joins, leaves, exclusions and replays', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const [store, model] = [create(), createModel()];
        for (const { kind, ...rest } of steps) {
          if (kind === 'lastTurns') {
            const [ours, expected] = await Promise.all(
              [store, model].map((one) => one.lastTurns(rest.rotation, rest.candidates)),
            );
            // The model counts turns as the stores do, so that even the numbers are the same.
            // oxlint-disable-next-line vitest/no-conditional-expect -- each step is one or the other
            expect(ours).toEqual(expected);
          } else if ('key' in rest) {
            // oxlint-disable-next-line vitest/no-conditional-expect -- each step is one or the other
            expect(await store.take({ ...rest, by })).toEqual(await model.take({ ...rest, by }));
          }
        }
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
            const taken = await store.take({ rotation: 'r', candidates: ids, key: null, by });
            if (taken !== null) counts.set(taken.assignee, (counts.get(taken.assignee) ?? 0) + 1);
          }
          expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThanOrEqual(1);
        },
      ),
      { numRuns: runs },
    );
  });

  it('assigns a previously excluded candidate next', async () => {
    const everybody = [1, 2, 3, 4];
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 1, max: 20 }), async (before, during) => {
        const store = create();
        const take = (candidates: number[]) => store.take({ rotation: 'r', candidates, key: null, by });
        for (let turn = 0; turn < before; turn += 1) await take(everybody);
        const turns = await store.lastTurns('r', everybody);
        const next = everybody.toSorted((a, b) => (turns[a - 1] ?? 0) - (turns[b - 1] ?? 0) || a - b)[0] ?? 0;
        for (let turn = 0; turn < during; turn += 1) {
          expect((await take(everybody.filter((id) => id !== next)))?.assignee).not.toBe(next);
        }
        expect((await take(everybody))?.assignee).toBe(next);
      }),
      { numRuns: runs },
    );
  });

  it('starves no candidate while others join and leave', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(people, { minLength: 1, maxLength: 80 }), async (lists) => {
        const store = create();
        let waited = 0;
        for (const others of lists) {
          const candidates = [...new Set([...others, 5])].toSorted((a, b) => a - b);
          const taken = await store.take({ rotation: 'r', candidates, key: null, by });
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
      (await store.take({ rotation: 'r', candidates, key: null, by }))?.assignee;
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
        store.take({ rotation: 'r', candidates: index % 2 ? [1, 2, 3] : [2, 3, 4], key, by }),
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
    expect(await store.take({ rotation: 'r', candidates: [], key: 'T-1', by })).toBe(null);
    expect(await store.take({ rotation: 'r', candidates: [7], key: 'T-1', by })).toEqual({
      assignee: 7,
      replayed: false,
    });
    expect(await store.take({ rotation: 'r', candidates: [], key: 'T-1', by })).toEqual({
      assignee: 7,
      replayed: true,
    });
    // The same key in another rotation is a different key.
    expect(await store.take({ rotation: 's', candidates: [8], key: 'T-1', by })).toEqual({
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
        (await store.take({ rotation: 'r', candidates: candidates.slice(turn * 1_000), key: null, by }))?.assignee,
      );
    }
    expect(turns).toEqual([1, 1_001, 2_001]);
    expect(await store.lastTurns('r', candidates)).toHaveLength(2_500);
  });

  describe('limits', () => {
    /** The id of the assignee, null if there is none, or the reason and retry delay of a rejection. */
    const outcomeOf = async (store: AssignmentStore, take: Partial<Take>) => {
      try {
        return await store.take({ rotation: 'r', candidates: [1, 2, 3], key: null, by, ...take });
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
      const turns = await store.lastTurns('r', [1, 2, 3]);
      for (const rotation of ['r', 's']) {
        const refusal = await take({ rotation, key: 'T-4' });
        expect(refusal).toMatchObject({ refused: expect.stringMatching(/^You have used 3 new assignment keys/) });
        const { retryAfterSeconds } = refusal as { retryAfterSeconds: number };
        expect(retryAfterSeconds).toBeGreaterThan(3_500);
        expect(retryAfterSeconds).toBeLessThanOrEqual(3_600);
      }
      expect(await store.lastTurns('r', [1, 2, 3])).toEqual(turns);
      expect(await store.lastTurns('s', [1, 2, 3])).toEqual([0, 0, 0]);
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
      expect(Math.max(...(await store.lastTurns('r', [1, 2, 3])))).toBe(10);
    });
  });
};
