import { hash } from 'node:crypto';
import { type AssignmentLimits, defaultAssignmentLimits, toLimitError } from '../assignment-limits.ts';
import { type AssignmentStore, keyTtlMs } from '../assignment-store.ts';
import {
  createMemoryRotations,
  currentWindow,
  dropExpired,
  type MemoryRotationsOptions,
  type UsageWindow,
} from './memory-rotations.ts';

export type MemoryStoreOptions = Pick<MemoryRotationsOptions, 'now' | 'onForgotten'> & {
  /** Default `defaultAssignmentLimits`. */
  limits?: AssignmentLimits;
  /** Estimated bytes that the store may use: three quarters for keys, one quarter for rotations and their people. Default 64,000,000. */
  maxBytes?: number;
};

/** 128 bits of the hash: enough to exclude collisions. */
const digestOf = (key: string): string => hash('sha256', key, 'buffer').toString('latin1', 0, 16);

/** Keeps turns in the memory of this process: for a single replica, until it restarts. */
export const createMemoryStore = (options: MemoryStoreOptions) => {
  const { limits = defaultAssignmentLimits, now, maxBytes = 64_000_000, onForgotten } = options;
  const rotations = createMemoryRotations({ now, maxBytes, onForgotten });
  /** The windows of callers, in order of expiry. */
  const windows = new Map<string, UsageWindow>();

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

  const take: AssignmentStore['take'] = async ({ rotation: name, candidates, key, by }) => {
    const rotation = rotations.get(name);
    const digest = key === null ? null : digestOf(key);
    const known = digest === null ? undefined : rotation.assignees.get(digest);
    if (known !== undefined) return { assignee: known.assignee, replayed: true };
    const [first, ...rest] = candidates;
    if (first === undefined) return null;

    const nowMs = now();
    const isNewRotation = !rotations.has(name);
    const hasNewKey = digest !== null;
    const ofCaller = currentWindow(windows.get(by), nowMs);
    const ofRotation = currentWindow(rotation.window, nowMs);
    if (hasNewKey) {
      ofCaller.keys += 1;
      ofRotation.keys += 1;
    }
    if (isNewRotation) ofCaller.rotations += 1;
    const exceeded = findExceeded({ ofCaller, ofRotation }, { hasNewKey, isNewRotation });
    if (exceeded !== null) {
      const [limit, { expiresAtMs }] = exceeded;
      throw toLimitError(limit, { limits, resetMs: expiresAtMs - nowMs });
    }

    dropExpired(windows, nowMs);
    if (hasNewKey || isNewRotation) windows.set(by, ofCaller);
    const lastTurnOf = (id: number) => rotation.lastTurn.get(id) ?? 0;
    const assignee = rest.reduce((best, id) => (lastTurnOf(id) < lastTurnOf(best) ? id : best), first);
    rotations.update(name, rotation, () => {
      rotation.window = ofRotation;
      rotation.turns += 1;
      rotation.lastTurn.set(assignee, rotation.turns);
      if (digest !== null) rotation.assignees.set(digest, { assignee, expiresAtMs: nowMs + keyTtlMs });
    });
    return { assignee, replayed: false };
  };

  return {
    take,
    async lastTurns(rotation, candidates) {
      const { lastTurn } = rotations.get(rotation);
      return candidates.map((id) => lastTurn.get(id) ?? 0);
    },
    bytes: rotations.bytes,
  } satisfies AssignmentStore & { bytes: () => number };
};
