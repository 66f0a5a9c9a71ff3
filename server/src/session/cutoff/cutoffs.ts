import { createBoundedMap } from '../../platform/bounded-map.ts';
import type { KeyHasher } from '../../platform/key-hasher.ts';
import { personOf } from '../../auth-service/caller.ts';
import type { Subject } from '../../token/principal.ts';
import type { VerifiedToken } from '../../token/verified-token.ts';

export type CutoffsOptions = {
  keyHasher: KeyHasher;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The most people remembered; the least recently used is evicted first. Default 20,000, about 4 MB. */
  maxPeople?: number;
};

/** What a cutoff needs to know about a token. */
export type DatedToken = Pick<VerifiedToken, 'principal' | 'issuedAtMs'>;

/** `iat` may be this much ahead of the clock of the BFF: the verifier accepts no more. */
const maxAheadMs = 30_000;
/** `iat` has whole seconds. */
const iatPrecisionMs = 1_000;

/**
 * The cutoffs that this process knows. A cutoff is a time for a person: sessions that began before it have ended. A token
 * counts as begun at its `iat`, or later if its family says so (`sinceMs`). A token without `iat` counts as begun at no
 * time.
 */
export const createCutoffs = ({ keyHasher, now, maxPeople = 20_000 }: CutoffsOptions) => {
  /** By the name of the person. */
  const cutoffs = createBoundedMap<string, { cutoffMs: number; learnedAtMs: number }>(maxPeople);
  const names = new WeakMap<Subject, string>();
  let issuerAheadMs = 0;

  /** The name of the person in Redis and in messages. Cached per principal: every call needs it. */
  const nameOf = (subject: Subject): string => {
    const name = names.get(subject) ?? keyHasher('cutoff', personOf(subject));
    names.set(subject, name);
    return name;
  };

  /** Notes a cutoff that was set just now, here or at another replica. Cutoffs only grow. */
  const raise = (name: string, cutoffMs: number, learnedAtMs = now()): void => {
    if (cutoffMs > (cutoffs.get(name)?.cutoffMs ?? 0)) cutoffs.set(name, { cutoffMs, learnedAtMs });
  };

  const entryOf = (subject: Subject) => (cutoffs.size === 0 ? undefined : cutoffs.get(nameOf(subject)));

  /** The cutoff of a person. Null: they have none. */
  const get = (subject: Subject): number | null => entryOf(subject)?.cutoffMs ?? null;

  return {
    nameOf,
    raise,
    get,

    /** Notes a cutoff that was found in Redis, and may have been set long ago. */
    find: (name: string, cutoffMs: number): void => raise(name, cutoffMs, Math.min(now(), cutoffMs)),

    /**
     * Whether the cutoff of a person was set after this time, by the clock of this process. It decides without the clock of
     * the Auth Service, and without those of other replicas unless their message did not arrive.
     */
    isSetAfter: (subject: Subject, timeMs: number): boolean => (entryOf(subject)?.learnedAtMs ?? 0) > timeMs,

    /** The cutoff of the token's person if the token began before it. Null: the token is not affected. */
    endedAtMs({ principal, issuedAtMs }: DatedToken, sinceMs: number): number | null {
      const cutoffMs = get(principal);
      if (cutoffMs === null) return null;
      return Math.max(issuedAtMs ?? 0, sinceMs) < cutoffMs ? cutoffMs : null;
    },

    /**
     * Notes the `iat` of a token of the Auth Service. If the clock of the Auth Service is ahead, a cutoff must be later
     * than this process's own time, or it would not reach the newest tokens.
     */
    observeIssue({ issuedAtMs }: Pick<VerifiedToken, 'issuedAtMs'>): void {
      const aheadMs = (issuedAtMs ?? 0) - now();
      if (aheadMs > 0) issuerAheadMs = Math.min(maxAheadMs, Math.max(issuerAheadMs, aheadMs + iatPrecisionMs));
    },

    /** A new cutoff: later than every token of the person that was issued until now, and than their last cutoff. */
    next: (subject: Subject): number => Math.max(now() + issuerAheadMs, get(subject) ?? 0) + 1,
  };
};

export type Cutoffs = ReturnType<typeof createCutoffs>;
