import { createBoundedMap } from '../../platform/bounded-map.ts';
import type { EstablishedSession } from '../established-session.ts';
import type { SharedExchanges } from './shared-exchanges.ts';

/** How long the result of an exchange answers further requests with the same refresh token. */
export const resultTtlMs = 30_000;
const maxExchanged = 200_000;
const maxResults = 20_000;

/** A refresh token that a request presents. */
export type OldToken = { token: string; fingerprint: string; expiresAtMs: number };

export type ExchangeCacheOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The exchanges of all replicas. Null: there is only this replica. */
  shared: SharedExchanges | null;
};

/** Remembers the session for which a refresh token was exchanged, for 30 s, and afterwards that it was exchanged. */
export const createExchangeCache = ({ now, shared }: ExchangeCacheOptions) => {
  /** By the fingerprint of the old token, oldest first. */
  const results = new Map<string, { session: EstablishedSession; atMs: number }>();
  /** Fingerprints of tokens that the Auth Service has exchanged, and therefore rejects. */
  const exchanged = createBoundedMap<string, true>(maxExchanged);

  const isRecent = ({ atMs }: { atMs: number }) => now() >= atMs && now() - atMs < resultTtlMs;

  /** The session for which this replica or another one has exchanged this token. */
  const resultOf = async (old: Pick<OldToken, 'token' | 'fingerprint'>): Promise<EstablishedSession | null> => {
    const local = results.get(old.fingerprint);
    if (local !== undefined && isRecent(local)) return local.session;
    return (await shared?.resultOf(old)) ?? null;
  };

  return {
    shared,

    /** Follows the exchanges from this refresh token to the newest session. Null: no result of this token is cached. */
    async latest(old: Pick<OldToken, 'token' | 'fingerprint'>): Promise<EstablishedSession | null> {
      const seen = new Set<string>();
      let newest: EstablishedSession | null = null;
      for (let next = old; !seen.has(next.fingerprint); ) {
        seen.add(next.fingerprint);
        const session = await resultOf(next);
        if (session === null) break;
        newest = session;
        if (session.refresh === null || session.refreshToken === null) break;
        next = { token: session.refreshToken, fingerprint: session.refresh.fingerprint };
      }
      return newest;
    },

    /** Whether this refresh token was exchanged for another one. */
    wasExchanged: async (fingerprint: string): Promise<boolean> =>
      exchanged.has(fingerprint) || (await shared?.wasExchanged(fingerprint)) === true,

    /** Remembers that the Auth Service has blacklisted this token, even if the new tokens turn out to be unusable. */
    markExchanged: (fingerprint: string): void => void exchanged.set(fingerprint, true),

    /** Caches the session for which this replica has exchanged a token. */
    set(fingerprint: string, session: EstablishedSession): void {
      results.delete(fingerprint);
      results.set(fingerprint, { session, atMs: now() });
      for (const [oldest, result] of results) {
        if (isRecent(result) && results.size <= maxResults) break;
        results.delete(oldest);
      }
    },
  };
};

export type ExchangeCache = ReturnType<typeof createExchangeCache>;
