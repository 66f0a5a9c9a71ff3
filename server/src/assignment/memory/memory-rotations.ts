import { assignmentWindowMs } from '../assignment-limits.ts';
import { type Rotation, rotationTtlMs } from '../assignment-store.ts';

export type MemoryRotationsOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Estimated bytes: three quarters for keys, one quarter for rotations and their people. */
  maxBytes: number;
  /** Called when keys or rotations are evicted before they expire. At most once an hour for each. */
  onForgotten?: ((what: 'keys' | 'rotations') => void) | undefined;
};

/** The additions of one hour. */
export type UsageWindow = { keys: number; rotations: number; expiresAtMs: number };

export type MemoryRotation = {
  turns: number;
  /** The number of each person's last turn. */
  lastTurn: Map<number, number>;
  /** Assignees by the digest of their key, oldest first. A digest has the same size for every key. */
  assignees: Map<string, { assignee: number; expiresAtMs: number }>;
  window: UsageWindow;
  expiresAtMs: number;
};

/** Measured on Node 20: 117 to 142 bytes a key, 575 a rotation, 25 to 55 a person in it. */
const estimatedBytes = { key: 160, rotation: 700, person: 64 };

/** Drops expired entries from the front of a map in order of expiry. Returns their number. */
export const dropExpired = (entries: Map<unknown, { expiresAtMs: number }>, nowMs: number): number => {
  let dropped = 0;
  for (const [key, { expiresAtMs }] of entries) {
    if (expiresAtMs > nowMs) break;
    entries.delete(key);
    dropped += 1;
  }
  return dropped;
};

/** Drops the oldest entries until `max` are left. Returns the number dropped. */
const dropOldest = (entries: Map<unknown, unknown>, max: number): number => {
  const surplus = Math.max(0, entries.size - max);
  let left = surplus;
  for (const key of entries.keys()) {
    if (left === 0) break;
    entries.delete(key);
    left -= 1;
  }
  return surplus;
};

/** The largest limit per entry for which all sizes, each capped at it, add up to at most `capacity`. */
const fairShare = (sizes: readonly number[], capacity: number): number => {
  const fits = (share: number) => sizes.reduce((sum, size) => sum + Math.min(size, share), 0) <= capacity;
  let [largest, tooLarge] = [0, capacity + 1];
  while (tooLarge - largest > 1) {
    const middle = Math.floor((largest + tooLarge) / 2);
    if (fits(middle)) largest = middle;
    else tooLarge = middle;
  }
  return largest;
};

/** A copy of the window, or a new one if it has ended. */
export const currentWindow = (window: UsageWindow | undefined, nowMs: number): UsageWindow => {
  if (window === undefined || window.expiresAtMs <= nowMs) {
    return { keys: 0, rotations: 0, expiresAtMs: nowMs + assignmentWindowMs };
  }
  // If the clock was set back, the window becomes no longer, even if the call is rejected and changes nothing else.
  window.expiresAtMs = Math.min(window.expiresAtMs, nowMs + assignmentWindowMs);
  return { ...window };
};

/** Rotations in memory. Evicts the oldest keys of the largest rotations, and the least recently used rotations. */
export const createMemoryRotations = ({ now, maxBytes, onForgotten }: MemoryRotationsOptions) => {
  const maxKeys = Math.floor((maxBytes * 0.75) / estimatedBytes.key);
  const maxRotationBytes = maxBytes * 0.25;
  /** In the order of their last use, which is the order of their expiry. */
  const rotations = new Map<Rotation, MemoryRotation>();
  const reportedAtMs = { keys: Number.NEGATIVE_INFINITY, rotations: Number.NEGATIVE_INFINITY };
  let keys = 0;
  let rotationBytes = 0;

  const bytesOf = (name: Rotation, { lastTurn }: MemoryRotation) =>
    estimatedBytes.rotation + name.length + lastTurn.size * estimatedBytes.person;
  const remove = (name: Rotation, rotation: MemoryRotation): void => {
    rotations.delete(name);
    keys -= rotation.assignees.size;
    rotationBytes -= bytesOf(name, rotation);
  };
  const reportForgotten = (what: 'keys' | 'rotations'): void => {
    if (now() - reportedAtMs[what] < assignmentWindowMs) return;
    reportedAtMs[what] = now();
    onForgotten?.(what);
  };

  const evictKeys = (): void => {
    if (keys <= maxKeys) return;
    for (const { assignees } of rotations.values()) keys -= dropExpired(assignees, now());
    if (keys <= maxKeys) return;
    // Evicts more than necessary, so that evictions are rare. Rotations with few keys lose none.
    const share = fairShare(
      [...rotations.values()].map(({ assignees }) => assignees.size),
      Math.floor(maxKeys * 0.9),
    );
    for (const { assignees } of rotations.values()) keys -= dropOldest(assignees, share);
    reportForgotten('keys');
  };
  const evictRotations = (): void => {
    for (const [name, rotation] of rotations) {
      if (rotationBytes <= maxRotationBytes || rotations.size === 1) return;
      remove(name, rotation);
      reportForgotten('rotations');
    }
  };

  return {
    has: (name: Rotation): boolean => rotations.has(name),

    /** The rotation without its expired keys, or a new one, which is not stored. Removes expired rotations. */
    get(name: Rotation): MemoryRotation {
      const nowMs = now();
      for (const [candidate, rotation] of rotations) {
        if (rotation.expiresAtMs > nowMs) break;
        remove(candidate, rotation);
      }
      const rotation = rotations.get(name);
      if (rotation === undefined) {
        const window = currentWindow(undefined, nowMs);
        return { turns: 0, lastTurn: new Map(), assignees: new Map(), window, expiresAtMs: 0 };
      }
      keys -= dropExpired(rotation.assignees, nowMs);
      return rotation;
    },

    /** Changes and stores a rotation, then evicts what exceeds `maxBytes`. */
    update(name: Rotation, rotation: MemoryRotation, change: () => void): void {
      const before = rotations.has(name) ? bytesOf(name, rotation) : 0;
      const keysBefore = rotation.assignees.size;
      change();
      rotationBytes += bytesOf(name, rotation) - before;
      keys += rotation.assignees.size - keysBefore;
      rotation.expiresAtMs = now() + rotationTtlMs;
      rotations.delete(name);
      rotations.set(name, rotation);
      evictKeys();
      evictRotations();
    },

    /** Estimated bytes of all rotations and keys. */
    bytes: (): number => keys * estimatedBytes.key + rotationBytes,
  };
};
