import type { AuthServiceClient } from '../auth-service/client.ts';
import { type Cause, causeOf } from '../auth-service/transport.ts';
import { AppError, isAppError } from '../errors.ts';
import type { SessionLimits } from '../limits/session-limits.ts';
import { NotYetValidError } from '../token/claim-rules.ts';
import { isSameSubject, type Subject } from '../token/principal.ts';
import { fingerprintOf, type VerifiedToken, type Verifier } from '../token/verified-token.ts';
import { belongsTo, type EstablishedSession, establishSession } from './established-session.ts';
import { type Exchanges, type OldToken, sharedForMs } from './exchanges.ts';
import type { Chain, Lineage } from './lineage.ts';
import type { PresentedTokens } from './presented-tokens.ts';

/** How a refresh ended, for the metrics. `shared`: with what another call of the same token had got. */
export type RefreshOutcome = 'exchanged' | 'shared' | 'superseded' | 'ended' | 'refused' | 'unavailable';

export type Refreshed = {
  session: EstablishedSession;
  /** To be asked after each further wait: throws where the session was signed out meanwhile, or another took its place. */
  refuseLeft: () => Promise<void>;
};

export type RefresherOptions = {
  authService: Pick<AuthServiceClient, 'refresh' | 'signOut'>;
  verifier: Verifier;
  lineage: Lineage;
  exchanges: Exchanges;
  limits: Pick<SessionLimits, 'refresh'>;
  /** Whom an exchange counts for. */
  limitedAs: (subject: Subject, tokens: PresentedTokens) => string;
  now: () => number;
  /** A token that changed hands on its way: somebody should look into that. */
  onForeignToken: (requestId: string | undefined) => void;
  onRefresh?: ((outcome: RefreshOutcome) => void) | undefined;
};

const outcomeOf = (error: unknown): RefreshOutcome => {
  if (isAppError(error, 'session_ended')) return 'ended';
  if (isAppError(error, 'refresh_superseded')) return 'superseded';
  return isAppError(error, 'no_token', 'token_invalid', 'rate_limited') ? 'refused' : 'unavailable';
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
export const createRefresher = (options: RefresherOptions) => {
  const { authService, verifier, lineage, exchanges, limits, limitedAs, now, onForeignToken, onRefresh } = options;
  const underWay = new Map<string, Promise<EstablishedSession>>();

  /** After each wait: what happened to the session meanwhile counts for more than what was waited for. */
  const refuseEnded = (chain: Chain, endsSession = false) => {
    if (chain.endedAtMs !== null) {
      throw new AppError('session_ended', { message: 'This session was signed out.', endsSession });
    }
    if (chain.isReplaced) throw new AppError('refresh_superseded');
  };

  const ended = (cause: unknown) => new AppError('session_ended', { cause, endsSession: true });

  /** What nobody may use any more should not live on upstream either. Nobody waits for that. */
  const revoke = ({ access, accessToken, refresh, refreshToken }: EstablishedSession, cause: Cause) => {
    const { type, id } = access.principal;
    const isOfType = refresh?.principal.type === type;
    authService
      .signOut({ type, id, accessToken, refreshToken: isOfType ? refreshToken : null, ...causeOf(cause) })
      .catch(() => {});
  };

  const exchange = async (
    tokens: PresentedTokens,
    old: VerifiedToken,
    chain: Chain,
    noteSpent: () => void,
  ): Promise<EstablishedSession> => {
    const { type, id } = old.principal;
    const marks = { refresh: old, access: null };
    let session: EstablishedSession;
    try {
      await limits.refresh(limitedAs(old.principal, tokens));
      const grant = await authService.refresh({ ...tokens, type, id });
      // Some services answer with the very refresh token that they got: that is no exchange.
      const refreshToken = grant.refreshToken === tokens.refreshToken ? null : grant.refreshToken;
      if (refreshToken !== null) {
        exchanges.noteExchanged(old.fingerprint);
        noteSpent();
      }
      session = await establishSession({ ...grant, refreshToken }, { verifier, now });
    } catch (error) {
      // After a sign-out it is no wonder that the token is refused, and newer cookies may be there.
      await lineage.look(chain, marks);
      refuseEnded(chain);
      throw isAppError(error, 'session_ended') ? ended(error) : error;
    }
    const isForeign = !belongsTo(session, old.principal);
    if (isForeign) await lineage.look(chain, marks);
    else await lineage.extend(chain, marks, session);
    if (chain.endedAtMs !== null || chain.isReplaced || isForeign) {
      revoke(session, tokens);
      refuseEnded(chain);
      onForeignToken(tokens.requestId);
      await lineage.end(marks);
      throw ended('the new token is of another person');
    }
    exchanges.keepHere(old.fingerprint, session);
    return session;
  };

  // A refresh token that lives on may well be due again: then what it gave is too old to give again.
  const isUseful = ({ refreshToken, access }: EstablishedSession): boolean =>
    now() < (refreshToken === null ? access.refreshAtMs : access.expiresAtMs);

  /** What an earlier exchange of this token gave, or the newest that followed from it, while that is still of use. */
  const earlierResult = async (old: OldToken): Promise<EstablishedSession | null> => {
    const session = await exchanges.latest(old);
    return session !== null && isUseful(session) ? session : null;
  };

  /** Who holds a refresh token. One that is refused here is of no more use, unless it is an old one of a session that goes on. */
  const verifyOld = async (refreshToken: string): Promise<VerifiedToken> => {
    try {
      return await verifier.verifyRefresh(refreshToken);
    } catch (error) {
      if (!isAppError(error)) throw error;
      if (await exchanges.wasExchanged(fingerprintOf(refreshToken))) {
        throw new AppError('refresh_superseded', { cause: error });
      }
      if (error.reason === 'token_expired') throw ended(error);
      // A clock that is wrong says nothing for good.
      throw new AppError('token_invalid', { cause: error, endsSession: !(error instanceof NotYetValidError) });
    }
  };

  /** One exchange of this token in this process, and, where replicas share what they know, among all of them. */
  const exchangeOnce = (
    tokens: PresentedTokens,
    old: VerifiedToken,
    token: string,
    chain: Chain,
  ): Promise<EstablishedSession> => {
    const known = underWay.get(old.fingerprint);
    if (known !== undefined) return known;
    const ask = (noteSpent: () => void) => exchange(tokens, old, chain, noteSpent);
    const begun = (
      exchanges.shared === null ? ask(() => {}) : exchanges.shared.once({ ...old, token }, { isUseful, exchange: ask })
    ).finally(() => underWay.delete(old.fingerprint));
    underWay.set(old.fingerprint, begun);
    return begun;
  };

  const refresh = async (tokens: PresentedTokens): Promise<Refreshed & { outcome: RefreshOutcome }> => {
    const { refreshToken } = tokens;
    if (refreshToken === null) {
      throw new AppError('no_token', { message: 'There is no session to refresh: no refresh token came along.' });
    }
    const old = await verifyOld(refreshToken);
    // An access token that does not verify is as good as none, and is not sent on.
    const access =
      tokens.accessToken === null ? null : await verifier.verifyAtAnyAge(tokens.accessToken).catch(() => null);
    if (access !== null && !isSameSubject(access.principal, old.principal)) {
      throw ended('the access token and the refresh token are of different people');
    }
    const marks = { refresh: old, access };
    const chain = await lineage.chainOf(marks);
    // Cookies that came back with a late answer after the sign-out are cleared, or they would be sent for ever;
    // but not soon after it, when this may be a straggler, and newer cookies be there.
    const isLongEnded = chain.endedAtMs !== null && now() - chain.endedAtMs >= sharedForMs;
    refuseEnded(chain, isLongEnded && !(await exchanges.wasExchanged(old.fingerprint)));

    const refuseLeft = async (): Promise<void> => {
      await lineage.look(chain, marks);
      refuseEnded(chain);
    };
    const earlier = await earlierResult({ ...old, token: refreshToken });
    if (earlier !== null) {
      await refuseLeft();
      return { session: earlier, outcome: 'shared', refuseLeft };
    }
    const isFirst = !underWay.has(old.fingerprint);
    if (isFirst && (await exchanges.wasExchanged(old.fingerprint))) throw new AppError('refresh_superseded');
    const sent = { ...tokens, accessToken: access === null ? null : tokens.accessToken };
    const session = await exchangeOnce(sent, old, refreshToken, chain);
    await refuseLeft();
    return { session, outcome: isFirst ? 'exchanged' : 'shared', refuseLeft };
  };

  return {
    /**
     * A new session for the holder of a refresh token. Throws `no_token`, `token_invalid`, `session_ended`,
     * `refresh_superseded`, `rate_limited`; an outage upstream ends nothing.
     */
    async refresh(tokens: PresentedTokens): Promise<Refreshed> {
      try {
        const { outcome, ...refreshed } = await refresh(tokens);
        onRefresh?.(outcome);
        return refreshed;
      } catch (error) {
        onRefresh?.(outcomeOf(error));
        throw error;
      }
    },
  };
};

export type Refresher = ReturnType<typeof createRefresher>;
