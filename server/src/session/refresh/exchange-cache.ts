import { createBoundedMap } from '../../platform/bounded-map.ts';
import type { EstablishedSession } from '../established-session.ts';
import type { SharedExchanges } from './shared-exchanges.ts';

/** How long those who ask again with the same refresh token get what the first one got. */
export const sharedForMs = 30_000;
const maxExchanged = 200_000;
const maxShared = 20_000;

/** A refresh token that was presented: its text, what it is known by, and until when it lives. */
export type OldToken = { token: string; fingerprint: string; expiresAtMs: number };

export type ExchangesOptions = {
  now: () => number;
  /** What other replicas have exchanged. Null: this is the only one. */
  shared: SharedExchanges | null;
};

/** What refresh tokens were exchanged for: the new session for 30 s, and after that that they were. */
export const createExchanges = ({ now, shared }: ExchangesOptions) => {
  /** Results by the old token's fingerprint, oldest first. */
  const results = new Map<string, { session: EstablishedSession; atMs: number }>();
  /** Old tokens that were exchanged for new ones, and so are no good upstream. */
  const exchanged = createBoundedMap<string, true>(maxExchanged);

  const isRecent = ({ atMs }: { atMs: number }) => now() >= atMs && now() - atMs < sharedForMs;

  const keepHere = (fingerprint: string, session: EstablishedSession) => {
    results.delete(fingerprint);
    results.set(fingerprint, { session, atMs: now() });
    for (const [oldest, result] of results) {
      if (isRecent(result) && results.size <= maxShared) break;
      results.delete(oldest);
    }
  };

  /** What this very token was exchanged for, by anybody. */
  const resultOf = async (old: Pick<OldToken, 'token' | 'fingerprint'>): Promise<EstablishedSession | null> => {
    const here = results.get(old.fingerprint);
    if (here !== undefined && isRecent(here)) return here.session;
    return (await shared?.resultOf(old)) ?? null;
  };

  return {
    shared,

    /** The newest session that this refresh token was exchanged for, one exchange after the other, where it is still known. */
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

    /** Remembers that the Auth Service took this token back: it is of no use any more, whatever comes of the new one. */
    noteExchanged: (fingerprint: string): void => void exchanged.set(fingerprint, true),

    keepHere,
  };
};

export type Exchanges = ReturnType<typeof createExchanges>;
