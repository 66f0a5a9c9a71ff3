import type { Leave } from '@auth-bff/shared';
import { type LeaveSystem, maxLeaves } from '../assignment-store.ts';
import { tooManyLeaves, untilHasPassed } from '../leave-errors.ts';

/** Measured on Node 20: about 250 bytes, and two bytes for each character of a note. */
const estimatedBytes = 300;
const bytesOf = ({ note }: Leave): number => estimatedBytes + 2 * (note?.length ?? 0);

export type MemoryLeavesOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Estimated bytes of all leaves. A new leave beyond is rejected: evicting one would give its person turns. */
  maxBytes: number;
};

/** Who is away, by system. Ended leaves are dropped when they are read, and when the store is full. */
export const createMemoryLeaves = ({ now, maxBytes }: MemoryLeavesOptions) => {
  const leaves = new Map<string, Leave>();
  let bytes = 0;
  const keyOf = (system: LeaveSystem, id: number) => `${id}/${system}`;
  const hasEnded = ({ until }: Leave) => until !== null && until.getTime() <= now();

  const remove = (key: string): void => {
    const leave = leaves.get(key);
    if (leave === undefined) return;
    leaves.delete(key);
    bytes -= bytesOf(leave);
  };
  const dropEnded = (): void => {
    for (const [key, leave] of leaves) if (hasEnded(leave)) remove(key);
  };

  return {
    /** Null: the person is available. */
    of(system: LeaveSystem, id: number): Leave | null {
      if (leaves.size === 0) return null;
      const leave = leaves.get(keyOf(system, id));
      if (leave === undefined) return null;
      if (!hasEnded(leave)) return leave;
      remove(keyOf(system, id));
      return null;
    },

    set(system: LeaveSystem, id: number, leave: Leave | null): void {
      const key = keyOf(system, id);
      if (leave === null) return remove(key);
      if (hasEnded(leave)) throw untilHasPassed();
      const isFull = () => leaves.size >= maxLeaves || bytes + bytesOf(leave) > maxBytes;
      if (isFull() && !leaves.has(key)) {
        dropEnded();
        if (isFull()) throw tooManyLeaves();
      }
      remove(key);
      leaves.set(key, leave);
      bytes += bytesOf(leave);
    },

    /** Estimated bytes of all leaves. */
    bytes: (): number => bytes,
  };
};
