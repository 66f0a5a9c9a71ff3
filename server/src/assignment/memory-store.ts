import { hash } from 'node:crypto';
import {
  type AssignmentLimits,
  assignmentWindowMs,
  defaultAssignmentLimits,
  toLimitError,
} from './assignment-limits.ts';
import { type AssignmentStore, keyTtlMs, type Rotation, rotationTtlMs } from './assignment-store.ts';

export type MemoryStoreOptions = {
  /** Default `defaultAssignmentLimits`. */
  limits?: AssignmentLimits;
  /** Milliseconds since the epoch. */
  now: () => number;
  /**
   * Estimated bytes that the store may use: three quarters for keys, one quarter for rotations and their people.
   * Default 64,000,000. Over it, the rotations with the most keys forget their oldest keys, and the rotations that are
   * unused for longest are forgotten.
   */
  maxBytes?: number;
  /** Called when keys or rotations are forgotten before their time. At most once an hour for each. */
  onForgotten?: ((what: 'keys' | 'rotations') => void) | undefined;
};

/** Measured on Node 20: 117 to 142 bytes a key, 575 a rotation, 25 to 55 a person in it. */
const estimatedBytes = { key: 160, rotation: 700, person: 64 };

type Given = { assignee: number; expiresAtMs: number };
/** What was added in an hour. */
type Window = { keys: number; rotations: number; expiresAtMs: number };
type Queue = {
  turns: number;
  lastTurn: Map<number, number>;
  /** By digests of keys: an entry has the same size whatever the length of its key. */
  given: Map<string, Given>;
  window: Window;
  expiresAtMs: number;
};

/** 128 bits are enough for no two keys ever to meet. */
const digestOf = (key: string): string => hash('sha256', key, 'buffer').toString('latin1', 0, 16);

/** Drops expired entries from the front of a map in order of expiry. Returns their number. */
const dropExpired = (entries: Map<unknown, { expiresAtMs: number }>, nowMs: number): number => {
  let dropped = 0;
  for (const [key, { expiresAtMs }] of entries) {
    if (expiresAtMs > nowMs) break;
    entries.delete(key);
    dropped += 1;
  }
  return dropped;
};

/** Drops the oldest entries until `most` are left. Returns the number dropped. */
const dropOldest = (entries: Map<unknown, unknown>, most: number): number => {
  const surplus = Math.max(0, entries.size - most);
  let left = surplus;
  for (const key of entries.keys()) {
    if (left === 0) break;
    entries.delete(key);
    left -= 1;
  }
  return surplus;
};

/** The largest share that everybody may have, so that all sizes, each cut to it, add up to `room` at most. */
const fairShare = (sizes: readonly number[], room: number): number => {
  const isRoomFor = (share: number) => sizes.reduce((sum, size) => sum + Math.min(size, share), 0) <= room;
  let [fits, tooMuch] = [0, room + 1];
  while (tooMuch - fits > 1) {
    const middle = Math.floor((fits + tooMuch) / 2);
    if (isRoomFor(middle)) fits = middle;
    else tooMuch = middle;
  }
  return fits;
};

/** A copy of the window, or a new one after its end. */
const currentWindow = (window: Window | undefined, nowMs: number): Window => {
  if (window === undefined || window.expiresAtMs <= nowMs) {
    return { keys: 0, rotations: 0, expiresAtMs: nowMs + assignmentWindowMs };
  }
  // A clock that was set back makes no window longer, also if the call is refused and changes nothing else.
  window.expiresAtMs = Math.min(window.expiresAtMs, nowMs + assignmentWindowMs);
  return { ...window };
};

/** Turns in the memory of this process: for one replica, until it restarts. */
export const createMemoryStore = (options: MemoryStoreOptions) => {
  const { limits = defaultAssignmentLimits, now, maxBytes = 64_000_000, onForgotten } = options;
  const maxKeys = Math.floor((maxBytes * 0.75) / estimatedBytes.key);
  const maxRotationBytes = maxBytes * 0.25;
  const queues = new Map<Rotation, Queue>();
  /** The windows of callers, in order of expiry. */
  const windows = new Map<string, Window>();
  const toldAtMs = { keys: Number.NEGATIVE_INFINITY, rotations: Number.NEGATIVE_INFINITY };
  let keys = 0;
  let rotationBytes = 0;

  const bytesOf = (rotation: Rotation, { lastTurn }: Queue) =>
    estimatedBytes.rotation + rotation.length + lastTurn.size * estimatedBytes.person;
  const forget = (rotation: Rotation, queue: Queue): void => {
    queues.delete(rotation);
    keys -= queue.given.size;
    rotationBytes -= bytesOf(rotation, queue);
  };
  const tellForgotten = (what: 'keys' | 'rotations'): void => {
    if (now() - toldAtMs[what] < assignmentWindowMs) return;
    toldAtMs[what] = now();
    onForgotten?.(what);
  };

  const use = (rotation: Rotation): Queue => {
    const nowMs = now();
    for (const [name, queue] of queues) {
      if (queue.expiresAtMs > nowMs) break;
      forget(name, queue);
    }
    const queue = queues.get(rotation);
    if (queue === undefined) {
      return {
        turns: 0,
        lastTurn: new Map(),
        given: new Map(),
        window: currentWindow(undefined, nowMs),
        expiresAtMs: 0,
      };
    }
    keys -= dropExpired(queue.given, nowMs);
    return queue;
  };
  const keep = (rotation: Rotation, queue: Queue): void => {
    queue.expiresAtMs = now() + rotationTtlMs;
    // To the end: the order of their last use is that of their expiry.
    queues.delete(rotation);
    queues.set(rotation, queue);
  };

  const makeRoomForKeys = (): void => {
    if (keys <= maxKeys) return;
    for (const { given } of queues.values()) keys -= dropExpired(given, now());
    if (keys <= maxKeys) return;
    // Some more than needed, so that this is seldom done. Rotations with few keys lose none.
    const share = fairShare(
      [...queues.values()].map(({ given }) => given.size),
      Math.floor(maxKeys * 0.9),
    );
    for (const { given } of queues.values()) keys -= dropOldest(given, share);
    tellForgotten('keys');
  };
  const makeRoomForRotations = (): void => {
    for (const [rotation, queue] of queues) {
      if (rotationBytes <= maxRotationBytes || queues.size === 1) return;
      forget(rotation, queue);
      tellForgotten('rotations');
    }
  };

  const take: AssignmentStore['take'] = async ({ rotation, candidates, key, by }) => {
    const queue = use(rotation);
    const digest = key === null ? null : digestOf(key);
    const given = digest === null ? undefined : queue.given.get(digest);
    if (given !== undefined) return { assignee: given.assignee, replayed: true };
    const lastTurnOf = (id: number) => queue.lastTurn.get(id) ?? 0;
    const [first, ...rest] = candidates;
    if (first === undefined) return null;

    const nowMs = now();
    const isNew = !queues.has(rotation);
    const ofCaller = currentWindow(windows.get(by), nowMs);
    const ofRotation = currentWindow(queue.window, nowMs);
    if (digest !== null) {
      ofCaller.keys += 1;
      ofRotation.keys += 1;
    }
    if (isNew) ofCaller.rotations += 1;
    const refuse = (limit: keyof AssignmentLimits, { expiresAtMs }: Window) =>
      toLimitError(limit, { limits, resetMs: expiresAtMs - nowMs });
    if (digest !== null && ofCaller.keys > limits.keysPerPersonPerHour) throw refuse('keysPerPersonPerHour', ofCaller);
    if (digest !== null && ofRotation.keys > limits.keysPerRotationPerHour) {
      throw refuse('keysPerRotationPerHour', ofRotation);
    }
    if (isNew && ofCaller.rotations > limits.rotationsPerPersonPerHour) {
      throw refuse('rotationsPerPersonPerHour', ofCaller);
    }

    dropExpired(windows, nowMs);
    if (digest !== null || isNew) windows.set(by, ofCaller);
    queue.window = ofRotation;
    const assignee = rest.reduce((best, id) => (lastTurnOf(id) < lastTurnOf(best) ? id : best), first);
    const bytesBefore = isNew ? 0 : bytesOf(rotation, queue);
    queue.turns += 1;
    queue.lastTurn.set(assignee, queue.turns);
    rotationBytes += bytesOf(rotation, queue) - bytesBefore;
    if (digest !== null) {
      queue.given.set(digest, { assignee, expiresAtMs: nowMs + keyTtlMs });
      keys += 1;
    }
    keep(rotation, queue);
    makeRoomForKeys();
    makeRoomForRotations();
    return { assignee, replayed: false };
  };

  return {
    take,
    async lastTurns(rotation, candidates) {
      const { lastTurn } = use(rotation);
      return candidates.map((id) => lastTurn.get(id) ?? 0);
    },
    /** Estimated bytes of all rotations and keys. */
    bytes: (): number => keys * estimatedBytes.key + rotationBytes,
  } satisfies AssignmentStore & { bytes: () => number };
};
