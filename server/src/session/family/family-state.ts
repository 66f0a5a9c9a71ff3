import type { ProvenTokens } from './token-refs.ts';

/**
 * `revokedAtMs`: null if the family was not signed out. `isReplaced`: the browser has signed in again. `sinceMs`: the
 * family counts as begun at this time, although its tokens may be older. 0: it does not.
 */
export type RevocationState = { revokedAtMs: number | null; isReplaced: boolean; sinceMs: number };

/** What one look-up tells about an access token. */
export type StoredToken = {
  /** When its session was signed out. Null: it was not. */
  revokedAtMs: number | null;
  /** As in `RevocationState`. */
  sinceMs: number;
  /** The cutoff of its person. Null: they have none. */
  cutoffMs: number | null;
};

/** The state of a family in Redis. */
export type StoredFamily = RevocationState & {
  /** Null: Redis has no entry for the family. */
  name: string | null;
  /** Which of the tokens of the lookup are stored, and therefore proven. */
  stored: ProvenTokens;
};

/** The state of tokens that belong to several families: a sign-out of one of them concerns them all. */
export const mergeStates = (states: readonly RevocationState[]): RevocationState => ({
  revokedAtMs: states.find(({ revokedAtMs }) => revokedAtMs !== null)?.revokedAtMs ?? null,
  isReplaced: states.some(({ isReplaced }) => isReplaced),
  sinceMs: Math.max(0, ...states.map(({ sinceMs }) => sinceMs)),
});

/** The state without what keeps its session despite a cutoff. */
export const withoutSince = ({ revokedAtMs, isReplaced }: Omit<RevocationState, 'sinceMs'>): RevocationState => ({
  revokedAtMs,
  isReplaced,
  sinceMs: 0,
});

/** Milliseconds since the epoch, or null for a value that Redis does not have. */
export const toTime = (text: string | null | undefined): number | null =>
  text === null || text === undefined || text === '' ? null : Number(text);

/** The state from the fields of a family in Redis. */
export const toState = (
  ended: string | null | undefined,
  isReplaced: boolean,
  since?: string | null,
): RevocationState => ({
  revokedAtMs: toTime(ended),
  isReplaced,
  sinceMs: toTime(since) ?? 0,
});
