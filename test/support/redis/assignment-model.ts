import type {
  AssignmentStore,
  HandOver,
  NoHandOver,
  Take,
  Turn,
} from '../../../server/src/assignment/assignment-store.ts';

type Given = { assignee: number; turn: number; before: number; had: number[]; repeats: Map<string, number> };
type Entry = { key: string | null; assignee: number; by: number; kind: 'assigned' | 'reassigned' };
type Rotation = {
  count: number;
  resetAt: number;
  last: Map<number, number>;
  turns: Map<number, number>;
  given: Map<string, Given>;
  history: Entry[];
};

/** The reference model: a simple store without limits, expiry or clocks, that every implementation must match. */
export const createAssignmentModel = () => {
  const rotations = new Map<string, Rotation>();
  const away = new Set<string>();
  const of = (name: string): Rotation => {
    const found = rotations.get(name) ?? {
      count: 0,
      resetAt: 0,
      last: new Map(),
      turns: new Map(),
      given: new Map(),
      history: [],
    };
    rotations.set(name, found);
    return found;
  };
  const isAway = (name: string, id: number) => away.has(`${name.split('/')[0]} ${id}`);
  const choose = (name: string, ids: readonly number[]) => {
    const lastOf = (id: number) => of(name).last.get(id) ?? 0;
    return ids.filter((id) => !isAway(name, id)).toSorted((a, b) => lastOf(a) - lastOf(b) || a - b)[0];
  };
  const give = (rotation: Rotation, entry: Entry): { turn: number; before: number } => {
    const before = rotation.last.get(entry.assignee) ?? 0;
    rotation.count += 1;
    rotation.last.set(entry.assignee, rotation.count);
    rotation.turns.set(entry.assignee, (rotation.turns.get(entry.assignee) ?? 0) + 1);
    rotation.history.push(entry);
    return { turn: rotation.count, before };
  };

  return {
    take({ rotation: name, candidates, key, callerId }: Take): Turn | null {
      const rotation = of(name);
      const known = key === null ? undefined : rotation.given.get(key);
      if (known !== undefined) return { assignee: known.assignee, replayed: true };
      const assignee = choose(name, candidates);
      if (assignee === undefined) return null;
      const given = give(rotation, { key, assignee, by: callerId, kind: 'assigned' });
      if (key !== null) rotation.given.set(key, { ...given, assignee, had: [], repeats: new Map() });
      return { assignee, replayed: false };
    },

    handOver({ rotation: name, candidates, key, callerId, repeatKey }: HandOver): Turn | NoHandOver {
      const rotation = of(name);
      const known = rotation.given.get(key);
      if (known === undefined) return 'not_found';
      const repeated = known.repeats.get(repeatKey);
      if (repeated !== undefined) return { assignee: repeated, replayed: true };
      const others = candidates.filter((id) => id !== known.assignee && !known.had.includes(id));
      if (others.length === 0) return 'all_excluded';
      const assignee = choose(name, others);
      if (assignee === undefined) return 'all_away';
      if (known.turn > rotation.resetAt) {
        rotation.turns.set(known.assignee, (rotation.turns.get(known.assignee) ?? 0) - 1);
        if (rotation.last.get(known.assignee) === known.turn) rotation.last.set(known.assignee, known.before);
      }
      known.had.push(known.assignee);
      known.repeats.set(repeatKey, assignee);
      Object.assign(known, { assignee, ...give(rotation, { key, assignee, by: callerId, kind: 'reassigned' }) });
      return { assignee, replayed: false };
    },

    places: (name: string, ids: readonly number[]) =>
      ids.map((id) => ({
        lastTurn: of(name).last.get(id) ?? 0,
        turns: of(name).turns.get(id) ?? 0,
        isAway: isAway(name, id),
      })),

    setAway(system: string, id: number, isNowAway: boolean): void {
      if (isNowAway) away.add(`${system} ${id}`);
      else away.delete(`${system} ${id}`);
    },

    reset(name: string): void {
      const rotation = of(name);
      rotation.resetAt = rotation.count;
      rotation.last.clear();
      rotation.turns.clear();
    },

    history: (name: string): Entry[] => of(name).history.toReversed(),
  };
};

/** The state of a store in the form of the model. */
export const stateOf = async (store: AssignmentStore, rotation: string, ids: readonly number[]) => {
  const [places, history] = await Promise.all([store.places(rotation, ids), store.history(rotation, 500)]);
  return {
    places: places.map(({ lastTurn, turns, away }) => ({ lastTurn, turns, isAway: away !== null })),
    history: history.map(({ entry: { at: _at, ...entry } }) => entry),
  };
};
