import { assignmentWindowMs } from '../assignment-limits.ts';
import { type Rotation, rotationTtlMs } from '../assignment-store.ts';
import { createMemoryHistory, type MemoryHistory } from './memory-history.ts';
import { createMemoryKeys, dropExpiredKeys, dropOldestKeys, type MemoryKeys } from './memory-keys.ts';
import { currentWindow, type UsageWindow } from './usage-window.ts';

/** What the store evicts before it expires. */
export type Evicted = 'keys' | 'rotations' | 'history';

export type MemoryRotationsOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Estimated bytes of each part. */
  maxBytes: Record<Evicted, number>;
  /** Called when entries are evicted before they expire. At most once an hour for each kind. */
  onForgotten?: ((what: Evicted) => void) | undefined;
};

export type MemoryPerson = { lastTurn: number; lastTurnAtMs: number; turns: number };

export type MemoryRotation = {
  turns: number;
  /** The number of turns at the last reset. Keys up to it give no place back. */
  resetAt: number;
  people: Map<number, MemoryPerson>;
  keys: MemoryKeys;
  history: MemoryHistory;
  window: UsageWindow;
  expiresAtMs: number;
};

/** Measured on Node 20: 2,650 bytes a rotation, and 70 to 110 a person in it. */
const estimatedBytes = { rotation: 2_700, person: 120 };

/** The largest limit per entry for which all sizes, each capped at it, add up to at most `capacity`. */
const fairShare = (sizes: readonly number[], capacity: number): number => {
  const fits = (share: number) => sizes.reduce((sum, size) => sum + Math.min(size, share), 0) <= capacity;
  let [largest, tooLarge] = [0, Math.floor(capacity) + 1];
  while (tooLarge - largest > 1) {
    const middle = Math.floor((largest + tooLarge) / 2);
    if (fits(middle)) largest = middle;
    else tooLarge = middle;
  }
  return largest;
};

/** Rotations in memory. Evicts the oldest keys and entries of the largest rotations, and the least recently used rotations. */
export const createMemoryRotations = ({ now, maxBytes, onForgotten }: MemoryRotationsOptions) => {
  /** In the order of their last use, which is the order of their expiry. */
  const rotations = new Map<Rotation, MemoryRotation>();
  const reportedAtMs = new Map<Evicted, number>();
  const bytes: Record<Evicted, number> = { keys: 0, rotations: 0, history: 0 };

  const sizesOf = (name: Rotation, { people, keys, history }: MemoryRotation): Record<Evicted, number> => ({
    keys: keys.bytes,
    rotations: estimatedBytes.rotation + name.length + people.size * estimatedBytes.person,
    history: history.bytes(),
  });
  const add = (sizes: Record<Evicted, number>, sign: 1 | -1): void => {
    bytes.keys += sign * sizes.keys;
    bytes.rotations += sign * sizes.rotations;
    bytes.history += sign * sizes.history;
  };
  /** Changes a stored rotation, and the sums of all. */
  const changing = (name: Rotation, rotation: MemoryRotation, change: () => void): void => {
    add(sizesOf(name, rotation), -1);
    change();
    add(sizesOf(name, rotation), 1);
  };
  const remove = (name: Rotation, rotation: MemoryRotation): void => {
    rotations.delete(name);
    add(sizesOf(name, rotation), -1);
  };
  const reportForgotten = (what: Evicted): void => {
    if (now() - (reportedAtMs.get(what) ?? Number.NEGATIVE_INFINITY) < assignmentWindowMs) return;
    reportedAtMs.set(what, now());
    onForgotten?.(what);
  };

  /** Evicts more than necessary, so that evictions are rare. Rotations below the share lose nothing. */
  const evictShares = (what: 'keys' | 'history', shrink: (rotation: MemoryRotation, share: number) => void): void => {
    const sizes = [...rotations].map(([name, rotation]) => sizesOf(name, rotation)[what]);
    const share = fairShare(sizes, maxBytes[what] * 0.9);
    for (const [name, rotation] of rotations) changing(name, rotation, () => shrink(rotation, share));
    reportForgotten(what);
  };
  const evict = (): void => {
    if (bytes.keys > maxBytes.keys) {
      for (const [name, rotation] of rotations) changing(name, rotation, () => dropExpiredKeys(rotation.keys, now()));
    }
    if (bytes.keys > maxBytes.keys) evictShares('keys', ({ keys }, share) => dropOldestKeys(keys, share));
    if (bytes.history > maxBytes.history) evictShares('history', ({ history }, share) => history.shrink(share));
    for (const [name, rotation] of rotations) {
      if (bytes.rotations <= maxBytes.rotations || rotations.size === 1) return;
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
        return {
          turns: 0,
          resetAt: 0,
          people: new Map(),
          keys: createMemoryKeys(),
          history: createMemoryHistory(),
          window: currentWindow(undefined, nowMs),
          expiresAtMs: 0,
        };
      }
      changing(name, rotation, () => dropExpiredKeys(rotation.keys, nowMs));
      return rotation;
    },

    /** Changes and stores a rotation, then evicts what exceeds `maxBytes`. */
    update(name: Rotation, rotation: MemoryRotation, change: () => void): void {
      if (rotations.has(name)) remove(name, rotation);
      change();
      rotation.expiresAtMs = now() + rotationTtlMs;
      rotations.set(name, rotation);
      add(sizesOf(name, rotation), 1);
      evict();
    },

    /** Estimated bytes of all rotations, keys and entries. */
    bytes: (): number => bytes.keys + bytes.rotations + bytes.history,
  };
};
