import { hash } from 'node:crypto';
import { type AssignmentLimits, defaultAssignmentLimits, toLimitError } from '../assignment-limits.ts';
import { type AssignmentStore, keyTtlMs, type Rotation, systemOf } from '../assignment-store.ts';
import { type KeyState, setKey } from './memory-keys.ts';
import { createMemoryLeaves } from './memory-leaves.ts';
import {
  createMemoryRotations,
  type MemoryPerson,
  type MemoryRotation,
  type MemoryRotationsOptions,
} from './memory-rotations.ts';
import { currentWindow, dropEndedWindows, type UsageWindow } from './usage-window.ts';

export type MemoryStoreOptions = Pick<MemoryRotationsOptions, 'now' | 'onForgotten'> & {
  /** Default `defaultAssignmentLimits`. */
  limits?: AssignmentLimits;
  /**
   * Estimated bytes that the store may use: half for keys, a quarter for histories, an eighth for rotations and their people,
   * an eighth for leaves. Default 64,000,000.
   */
  maxBytes?: number;
};

const noTurn: Readonly<MemoryPerson> = { lastTurn: 0, lastTurnAtMs: 0, turns: 0 };
/** Shared by all keys that were never handed on, which are the most. */
const none: readonly number[] = [];
const noHandOvers: KeyState['handOvers'] = new Map();

/** 128 bits of the hash: enough to exclude collisions. */
const digestOf = (key: string): string => hash('sha256', key, 'buffer').toString('latin1', 0, 16);

/** Keeps turns in the memory of this process: for a single replica, until it restarts. */
export const createMemoryStore = (options: MemoryStoreOptions) => {
  const { limits = defaultAssignmentLimits, now, maxBytes = 64_000_000, onForgotten } = options;
  const rotations = createMemoryRotations({
    now,
    maxBytes: { keys: maxBytes / 2, history: maxBytes / 4, rotations: maxBytes / 8 },
    onForgotten,
  });
  const leaves = createMemoryLeaves({ now, maxBytes: maxBytes / 8 });
  /** The windows of callers, in order of expiry. */
  const windows = new Map<string, UsageWindow>();
  const watchers = new Map<Rotation, Set<() => void>>();

  /** The error of a call that exceeds a limit. The windows already include the call. */
  const findExceeded = (
    { ofCaller, ofRotation }: { ofCaller: UsageWindow; ofRotation: UsageWindow },
    { hasNewKey, isNewRotation }: { hasNewKey: boolean; isNewRotation: boolean },
  ): [limit: keyof AssignmentLimits, window: UsageWindow] | null => {
    if (hasNewKey && ofCaller.keys > limits.keysPerPersonPerHour) return ['keysPerPersonPerHour', ofCaller];
    if (hasNewKey && ofRotation.keys > limits.keysPerRotationPerHour) return ['keysPerRotationPerHour', ofRotation];
    const isOver = isNewRotation && ofCaller.rotations > limits.rotationsPerPersonPerHour;
    return isOver ? ['rotationsPerPersonPerHour', ofCaller] : null;
  };

  /** Charges the caller and returns the rotation's window with this call. Throws `rate_limited`, and has charged nothing then. */
  const charge = (
    by: string,
    window: UsageWindow,
    cost: { hasNewKey: boolean; isNewRotation: boolean },
  ): UsageWindow => {
    const nowMs = now();
    const ofCaller = currentWindow(windows.get(by), nowMs);
    const ofRotation = currentWindow(window, nowMs);
    if (cost.hasNewKey) {
      ofCaller.keys += 1;
      ofRotation.keys += 1;
    }
    if (cost.isNewRotation) ofCaller.rotations += 1;
    const exceeded = findExceeded({ ofCaller, ofRotation }, cost);
    if (exceeded !== null) {
      const [limit, { expiresAtMs }] = exceeded;
      throw toLimitError(limit, { limits, resetMs: expiresAtMs - nowMs });
    }
    dropEndedWindows(windows, nowMs);
    if (cost.hasNewKey || cost.isNewRotation) windows.set(by, ofCaller);
    return ofRotation;
  };

  /** The available person who has waited longest. */
  const firstOf = (name: Rotation, { people }: MemoryRotation, ids: readonly number[]): number | undefined => {
    const lastTurnOf = (id: number) => people.get(id)?.lastTurn ?? 0;
    const system = systemOf(name);
    const [first, ...rest] = ids.filter((id) => leaves.of(system, id) === null);
    if (first === undefined) return undefined;
    return rest.reduce((best, id) => (lastTurnOf(id) < lastTurnOf(best) ? id : best), first);
  };

  /** Gives the next turn to the person. `expiresAtMs`: of the key, which was not handed on yet. */
  const giveTurn = (rotation: MemoryRotation, assignee: number, expiresAtMs: number): KeyState => {
    const { lastTurn, lastTurnAtMs, turns } = rotation.people.get(assignee) ?? noTurn;
    rotation.turns += 1;
    rotation.people.set(assignee, { lastTurn: rotation.turns, lastTurnAtMs: now(), turns: turns + 1 });
    return {
      assignee,
      expiresAtMs,
      turn: rotation.turns,
      lastTurnBefore: lastTurn,
      lastTurnBeforeAtMs: lastTurnAtMs,
      had: none,
      handOvers: noHandOvers,
    };
  };

  /** Takes a turn that was handed on from its assignee, and gives the place before it back if it was their latest. */
  const takeBack = ({ people, resetAt }: MemoryRotation, key: KeyState): void => {
    const person = people.get(key.assignee);
    if (person === undefined || key.turn <= resetAt) return;
    person.turns = Math.max(0, person.turns - 1);
    if (person.lastTurn !== key.turn) return;
    person.lastTurn = key.lastTurnBefore;
    person.lastTurnAtMs = key.lastTurnBeforeAtMs;
  };

  const notify = (name: Rotation): void => {
    for (const onNews of watchers.get(name) ?? []) onNews();
  };

  return {
    async take({ rotation: name, candidates, key, by, callerId }) {
      const rotation = rotations.get(name);
      const digest = key === null ? null : digestOf(key);
      const known = digest === null ? undefined : rotation.keys.byDigest.get(digest);
      if (known !== undefined) return { assignee: known.assignee, replayed: true };
      const assignee = firstOf(name, rotation, candidates);
      if (assignee === undefined) return null;

      const window = charge(by, rotation.window, { hasNewKey: digest !== null, isNewRotation: !rotations.has(name) });
      rotations.update(name, rotation, () => {
        rotation.window = window;
        const state = giveTurn(rotation, assignee, now() + keyTtlMs);
        if (digest !== null) setKey(rotation.keys, digest, state);
        rotation.history.add(now(), { key, assignee, by: callerId, kind: 'assigned' });
      });
      notify(name);
      return { assignee, replayed: false };
    },

    async handOver({ rotation: name, candidates, key, by, callerId, repeatKey, repeatForMs }) {
      const rotation = rotations.get(name);
      const digest = digestOf(key);
      const known = rotation.keys.byDigest.get(digest);
      if (known === undefined) return 'not_found';
      const repeated = known.handOvers.get(digestOf(repeatKey));
      if (repeated !== undefined && repeated.repeatUntilMs > now()) {
        return { assignee: repeated.assignee, replayed: true };
      }
      const had = [...known.had, known.assignee];
      const others = candidates.filter((id) => !had.includes(id));
      if (others.length === 0) return 'all_excluded';
      const assignee = firstOf(name, rotation, others);
      if (assignee === undefined) return 'all_away';

      const window = charge(by, rotation.window, { hasNewKey: true, isNewRotation: false });
      rotations.update(name, rotation, () => {
        rotation.window = window;
        takeBack(rotation, known);
        const given = giveTurn(rotation, assignee, known.expiresAtMs);
        const repeatUntilMs = repeatForMs === undefined ? known.expiresAtMs : now() + repeatForMs;
        const handOvers = new Map([...known.handOvers, [digestOf(repeatKey), { assignee, repeatUntilMs }]]);
        setKey(rotation.keys, digest, { ...given, had, handOvers });
        rotation.history.add(now(), { key, assignee, by: callerId, kind: 'reassigned' });
      });
      notify(name);
      return { assignee, replayed: false };
    },

    async places(name, ids) {
      const { people } = rotations.get(name);
      return ids.map((id) => {
        const { lastTurn, lastTurnAtMs, turns } = people.get(id) ?? noTurn;
        const away = leaves.of(systemOf(name), id);
        return { lastTurn, lastTurnAtMs: lastTurn === 0 ? null : lastTurnAtMs, turns, away };
      });
    },

    setLeave: async (system, id, leave) => leaves.set(system, id, leave),

    async reset(name) {
      const rotation = rotations.get(name);
      if (!rotations.has(name)) return;
      rotations.update(name, rotation, () => {
        rotation.resetAt = rotation.turns;
        rotation.people.clear();
      });
    },

    history: async (name, limit) => rotations.get(name).history.newest(limit),
    historyAfter: async (name, id, limit) => rotations.get(name).history.after(id, limit),

    watch(name, onNews) {
      const ofRotation = watchers.get(name) ?? new Set();
      watchers.set(name, ofRotation.add(onNews));
      return () => {
        ofRotation.delete(onNews);
        if (ofRotation.size === 0 && watchers.get(name) === ofRotation) watchers.delete(name);
      };
    },

    bytes: () => rotations.bytes() + leaves.bytes(),
  } satisfies AssignmentStore & { bytes: () => number };
};
