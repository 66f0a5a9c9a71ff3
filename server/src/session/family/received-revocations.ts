import { createBoundedMap } from '../../platform/bounded-map.ts';
import type { RevocationState } from './family-state.ts';
import type { RevocationMessage } from './revocation-messages.ts';

/** The state of a token or a family as other replicas have published it. */
export type ReceivedRevocation = RevocationState;

export type ReceivedRevocationsOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The most names remembered; the least recently used is evicted first. Default 50,000, about 10 MB. */
  maxNames?: number;
};

/**
 * Revocations that other replicas have published, by the Redis names of tokens and families, until the tokens expire.
 * They count in addition to the state in Redis, which may be full or unavailable.
 */
export const createReceivedRevocations = ({ now, maxNames = 50_000 }: ReceivedRevocationsOptions) => {
  const received = createBoundedMap<string, ReceivedRevocation & { untilMs: number }>(maxNames);

  return {
    add({
      what,
      atMs,
      names,
    }: Pick<RevocationMessage, 'atMs' | 'names'> & { what: 'ended' | 'replaced' | 'kept' }): void {
      for (const [name, untilMs] of names) {
        const known = received.get(name);
        received.set(name, {
          revokedAtMs: known?.revokedAtMs ?? (what === 'ended' ? atMs : null),
          isReplaced: known?.isReplaced === true || what === 'replaced',
          sinceMs: Math.max(known?.sinceMs ?? 0, what === 'kept' ? atMs : 0),
          untilMs: Math.max(known?.untilMs ?? 0, untilMs),
        });
      }
    },
    get(name: string): ReceivedRevocation | null {
      const entry = received.get(name);
      return entry !== undefined && now() < entry.untilMs ? entry : null;
    },
    isEmpty: (): boolean => received.size === 0,
  };
};
