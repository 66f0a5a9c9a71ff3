import { type AssignmentStore, keyTtlMs, type Rotation, rotationTtlMs } from './assignment-store.ts';

export type MemoryStoreOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
};

type Given = { assignee: number; expiresAtMs: number };
type Queue = { turns: number; lastTurn: Map<number, number>; given: Map<string, Given>; expiresAtMs: number };

/** Drops what has expired from the front of a map whose entries stand in the order of their expiry. */
const dropExpired = (entries: Map<unknown, { expiresAtMs: number }>, nowMs: number): void => {
  for (const [key, { expiresAtMs }] of entries) {
    if (expiresAtMs > nowMs) return;
    entries.delete(key);
  }
};

/** Turns in the memory of this process: for one replica, until it restarts. */
export const createMemoryStore = ({ now }: MemoryStoreOptions): AssignmentStore => {
  const queues = new Map<Rotation, Queue>();

  const use = (rotation: Rotation): Queue => {
    dropExpired(queues, now());
    const queue = queues.get(rotation) ?? { turns: 0, lastTurn: new Map(), given: new Map(), expiresAtMs: 0 };
    dropExpired(queue.given, now());
    return queue;
  };
  const keep = (rotation: Rotation, queue: Queue): void => {
    queue.expiresAtMs = now() + rotationTtlMs;
    // To the end: the order of their last use is that of their expiry.
    queues.delete(rotation);
    queues.set(rotation, queue);
  };

  return {
    async take({ rotation, candidates, key }) {
      const queue = use(rotation);
      const given = key === null ? undefined : queue.given.get(key);
      if (given !== undefined) return { assignee: given.assignee, replayed: true };
      const lastTurnOf = (id: number) => queue.lastTurn.get(id) ?? 0;
      const [first, ...rest] = candidates;
      if (first === undefined) return null;
      const assignee = rest.reduce((best, id) => (lastTurnOf(id) < lastTurnOf(best) ? id : best), first);
      queue.turns += 1;
      queue.lastTurn.set(assignee, queue.turns);
      if (key !== null) queue.given.set(key, { assignee, expiresAtMs: now() + keyTtlMs });
      keep(rotation, queue);
      return { assignee, replayed: false };
    },
    async lastTurns(rotation, candidates) {
      const { lastTurn } = use(rotation);
      return candidates.map((id) => lastTurn.get(id) ?? 0);
    },
  };
};
