import { LRUCache } from 'lru-cache';
import type { AuthServiceClient } from '../auth-service/client.ts';
import { AppError, isAppError } from '../errors.ts';
import { isSameSubject } from '../token/principal.ts';
import { fingerprintOf, type VerifiedToken, type Verifier } from '../token/verified-token.ts';
import { NotYetValidError } from '../token/claim-rules.ts';
import { belongsTo, type EstablishedSession, establishSession, fingerprintsOf } from './established-session.ts';
import type { Chain, Lineage } from './lineage.ts';
import type { PresentedTokens } from './presented-tokens.ts';

/** How long those who ask again with the same refresh token get what the first one got. */
const sharedForMs = 30_000;
const maxExchanged = 200_000;
const maxShared = 20_000;

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

  const isRecent = ({ atMs }: { atMs: number }) => now() >= atMs && now() - atMs < sharedForMs;

  const share = (fingerprint: string, session: EstablishedSession) => {
    shared.delete(fingerprint);
    shared.set(fingerprint, { session, atMs: now() });
    for (const [oldest, result] of shared) {
      if (isRecent(result) && shared.size <= maxShared) break;
      shared.delete(oldest);
    }
  };

  /** The newest tokens that this refresh token was exchanged for, one after the other, where they are still known. */
  const latest = (fingerprint: string): EstablishedSession | null => {
    const seen = new Set<string>();
    let newest: EstablishedSession | null = null;
    for (let next: string | undefined = fingerprint; next !== undefined && !seen.has(next); ) {
      seen.add(next);
      const result = shared.get(next);
      if (result === undefined || !isRecent(result)) break;
      newest = result.session;
      next = newest.refresh?.fingerprint;
    }
    return newest;
  };

  /** After each wait: what happened to the session meanwhile counts for more than what was waited for. */
  const refuseEnded = (chain: Chain, endsSession = false) => {
    if (chain.endedAtMs !== null) {
      throw new AppError('session_ended', { message: 'This session was signed out.', endsSession });
    }
    if (chain.isReplaced) throw new AppError('refresh_superseded');
  };

  const ended = (cause: unknown) => new AppError('session_ended', { cause, endsSession: true });

  /** What nobody may use any more should not live on upstream either. Nobody waits for that. */
  const revoke = (
    { access, accessToken, refresh, refreshToken }: EstablishedSession,
    requestId: string | undefined,
  ) => {
    const { type, id } = access.principal;
    const isOfType = refresh?.principal.type === type;
    authService
      .signOut({ type, id, accessToken, refreshToken: isOfType ? refreshToken : null, requestId })
      .catch(() => {});
  };

  const exchange = async (tokens: PresentedTokens, old: VerifiedToken, chain: Chain): Promise<EstablishedSession> => {
    const { type, id } = old.principal;
    const { requestId } = tokens;
    let session: EstablishedSession;
    try {
      const grant = await authService.refresh({ ...tokens, type, id });
      // Some services answer with the very refresh token that they got: that is no exchange.
      const refreshToken = grant.refreshToken === tokens.refreshToken ? null : grant.refreshToken;
      if (refreshToken !== null) exchanged.set(old.fingerprint, true);
      session = await establishSession({ ...grant, refreshToken }, { verifier, now });
    } catch (error) {
      // After a sign-out it is no wonder that the token is refused, and newer cookies may be there.
      refuseEnded(chain);
      throw isAppError(error, 'session_ended') ? ended(error) : error;
    }
    if (chain.endedAtMs !== null || chain.isReplaced || !belongsTo(session, old.principal)) {
      revoke(session, requestId);
      refuseEnded(chain);
      onForeignToken(requestId);
      chain.endedAtMs = now();
      throw ended('the new token is of another person');
    }
    lineage.extend(chain, fingerprintsOf(session));
    share(old.fingerprint, session);
    return session;
  };

  /** What an earlier exchange of this token gave, or the newest that followed from it, while that is still of use. */
  const earlierResult = (old: VerifiedToken): EstablishedSession | null => {
    const session = latest(old.fingerprint);
    if (session === null) return null;
    // A refresh token that lives on may well be due again: then what it gave is too old to give again.
    const usefulUntilMs = session.refreshToken === null ? session.access.refreshAtMs : session.access.expiresAtMs;
    return now() < usefulUntilMs ? session : null;
  };

  /** Who holds a refresh token. One that is refused here is of no more use, unless it is an old one of a session that goes on. */
  const verifyOld = async (refreshToken: string): Promise<VerifiedToken> => {
    try {
      return await verifier.verifyRefresh(refreshToken);
    } catch (error) {
      if (!isAppError(error)) throw error;
      if (exchanged.has(fingerprintOf(refreshToken))) throw new AppError('refresh_superseded', { cause: error });
      if (error.reason === 'token_expired') throw ended(error);
      // A clock that is wrong says nothing for good.
      throw new AppError('token_invalid', { cause: error, endsSession: !(error instanceof NotYetValidError) });
    }
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
      const old = await verifyOld(tokens.refreshToken);
      // An access token that does not verify is as good as none, and is not sent on.
      const access =
        tokens.accessToken === null ? null : await verifier.verifyAtAnyAge(tokens.accessToken).catch(() => null);
      if (access !== null && !isSameSubject(access.principal, old.principal)) {
        throw ended('the access token and the refresh token are of different people');
      }
      const chain = lineage.chainOf([old.fingerprint, ...(access === null ? [] : [access.fingerprint])]);
      // Cookies that came back with a late answer after the sign-out are cleared, or they would be sent for ever;
      // but not soon after it, when this may be a straggler, and newer cookies be there.
      const isLongEnded = chain.endedAtMs !== null && now() - chain.endedAtMs >= sharedForMs;
      refuseEnded(chain, isLongEnded && !exchanged.has(old.fingerprint));

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

    latest,
  };
};

export type Refresher = ReturnType<typeof createRefresher>;
