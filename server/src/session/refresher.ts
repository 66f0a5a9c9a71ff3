import { LRUCache } from 'lru-cache';
import type { AuthServiceClient } from '../auth-service/client.ts';
import { AppError, isAppError } from '../errors.ts';
import { isSameSubject } from '../token/principal.ts';
import type { VerifiedToken, Verifier } from '../token/verified-token.ts';
import { belongsTo, type EstablishedSession, establishSession, fingerprintsOf } from './established-session.ts';
import type { Chain, Lineage } from './lineage.ts';
import type { PresentedTokens } from './presented-tokens.ts';

/** How long those who ask again with the same refresh token get what the first one got. */
const sharedForMs = 30_000;
const maxExchanged = 200_000;

export type RefresherOptions = {
  authService: Pick<AuthServiceClient, 'refresh' | 'signOut'>;
  verifier: Verifier;
  lineage: Lineage;
  now: () => number;
  /** A token that changed hands on its way: somebody should look into that. */
  onForeignToken: (requestId: string | undefined) => void;
};

/**
 * Exchanges refresh tokens, once each: the Auth Service blacklists the old one at once, so of many who
 * ask with the same one all but the first would be signed out.
 *
 * Who asks while the exchange is under way, or within 30 s, gets its result. Later the answer is
 * `refresh_superseded`, which clears nothing: newer cookies exist, and a straggler must not erase them.
 * A sign-out wins over an exchange under way: it marks the chain, and the chain is looked at again
 * after every wait.
 */
export const createRefresher = ({ authService, verifier, lineage, now, onForeignToken }: RefresherOptions) => {
  const underWay = new Map<string, Promise<EstablishedSession>>();
  /** Results by the old token's fingerprint, oldest first. */
  const shared = new Map<string, { session: EstablishedSession; atMs: number }>();
  /** Old tokens that were exchanged for new ones, and so are no good upstream. */
  const exchanged = new LRUCache<string, true>({ max: maxExchanged });

  const forgetOldResults = () => {
    for (const [fingerprint, { atMs }] of shared) {
      if (now() - atMs < sharedForMs) break;
      shared.delete(fingerprint);
    }
  };

  const refuseEnded = (chain: Chain, endsSession = false) => {
    if (chain.isEnded) throw new AppError('session_ended', { message: 'This session was signed out.', endsSession });
  };

  const ended = (cause: unknown) => new AppError('session_ended', { cause, endsSession: true });

  const exchange = async (tokens: PresentedTokens, old: VerifiedToken, chain: Chain): Promise<EstablishedSession> => {
    const { type } = old.principal;
    const { requestId } = tokens;
    let session: EstablishedSession;
    try {
      const grant = await authService.refresh({ ...tokens, type });
      // Some services answer with the very refresh token that they got: that is no exchange.
      const refreshToken = grant.refreshToken === tokens.refreshToken ? null : grant.refreshToken;
      if (refreshToken !== null) exchanged.set(old.fingerprint, true);
      session = await establishSession({ ...grant, refreshToken }, { verifier, now });
    } catch (error) {
      throw isAppError(error, 'session_ended') ? ended(error) : error;
    }
    if (chain.isEnded || !belongsTo(session, old.principal)) {
      // What nobody may use any more should not live on upstream either. Nobody waits for that.
      const { accessToken, refreshToken } = session;
      authService
        .signOut({ type: session.access.principal.type, accessToken, refreshToken, requestId })
        .catch(() => {});
      refuseEnded(chain);
      onForeignToken(requestId);
      chain.isEnded = true;
      throw ended('the new token is of another person');
    }
    lineage.extend(chain, fingerprintsOf(session));
    shared.set(old.fingerprint, { session, atMs: now() });
    return session;
  };

  /** What an earlier exchange of this token gave, while that is still of use. */
  const earlierResult = (old: VerifiedToken): EstablishedSession | null => {
    forgetOldResults();
    const session = shared.get(old.fingerprint)?.session;
    if (session === undefined) return null;
    // A refresh token that lives on may well be due again: then what it gave is too old to give again.
    const usefulUntilMs = session.refreshToken === null ? session.access.refreshAtMs : session.access.expiresAtMs;
    return now() < usefulUntilMs ? session : null;
  };

  return {
    /**
     * A new session for the holder of a refresh token. Throws `no_token`, `token_invalid`, `session_ended`,
     * `refresh_superseded`; an outage upstream ends nothing.
     */
    async refresh(tokens: PresentedTokens): Promise<EstablishedSession> {
      if (tokens.refreshToken === null) {
        throw new AppError('no_token', { message: 'There is no session to refresh: no refresh token came along.' });
      }
      const old = await verifier.verifyRefresh(tokens.refreshToken).catch((error: unknown) => {
        if (isAppError(error, 'token_expired')) throw ended(error);
        if (isAppError(error)) throw new AppError('token_invalid', { cause: error, endsSession: true });
        throw error;
      });
      // An access token that does not verify is as good as none, and is not sent on.
      const access =
        tokens.accessToken === null ? null : await verifier.verifyAtAnyAge(tokens.accessToken).catch(() => null);
      const chain = lineage.chainOf([old.fingerprint, ...(access === null ? [] : [access.fingerprint])]);
      // A token of a late answer, which the browser kept after the sign-out: it is cleared, or it would be sent for ever.
      refuseEnded(chain, !exchanged.has(old.fingerprint));
      if (access !== null && !isSameSubject(access.principal, old.principal)) {
        throw ended('the access token and the refresh token are of different people');
      }

      const earlier = earlierResult(old);
      if (earlier !== null) return earlier;
      let exchangeUnderWay = underWay.get(old.fingerprint);
      if (exchangeUnderWay === undefined) {
        if (exchanged.has(old.fingerprint)) throw new AppError('refresh_superseded');
        const sent = { ...tokens, accessToken: access === null ? null : tokens.accessToken };
        exchangeUnderWay = exchange(sent, old, chain).finally(() => underWay.delete(old.fingerprint));
        underWay.set(old.fingerprint, exchangeUnderWay);
      }
      const session = await exchangeUnderWay;
      refuseEnded(chain);
      return session;
    },

    /** The newest tokens that this refresh token was exchanged for, where they are still known. */
    latest(fingerprint: string): EstablishedSession | null {
      let newest: EstablishedSession | null = null;
      let later = shared.get(fingerprint)?.session;
      while (later !== undefined) {
        newest = later;
        later = later.refresh === null ? undefined : shared.get(later.refresh.fingerprint)?.session;
      }
      return newest;
    },
  };
};

export type Refresher = ReturnType<typeof createRefresher>;
