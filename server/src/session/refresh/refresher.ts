import type { SessionEnd } from '../../platform/audit.ts';
import type { AuthServiceClient } from '../../auth-service/client.ts';
import { type RequestMeta, requestMetaOf } from '../../auth-service/transport.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { SessionLimits } from '../../rate-limit/session-limits.ts';
import type { ChosenToken } from '../../token/choose-token.ts';
import type { Subject } from '../../token/principal.ts';
import { fingerprintOf, type VerifiedToken, type Verifier } from '../../token/verified-token.ts';
import { belongsTo, type EstablishedSession, establishSession } from '../established-session.ts';
import { type Exchanges, type OldToken, sharedForMs } from './exchanges.ts';
import type { Chain, Lineage } from '../family/token-families.ts';
import { type Marks, provenMarks, toList, toMark } from '../family/marks.ts';
import type { PresentedTokens, TokenPair } from '../presented-tokens.ts';
import { createTokenReader, ended } from '../read-tokens.ts';
import type { Standing } from './standing.ts';
import type { TokenProof } from '../family/token-proof.ts';

/** The tokens of a refresh. `isProven`: the Auth Service is known to have issued the refresh token. */
export type SentTokens = TokenPair & { isProven: boolean };

/** How a refresh ended, for the metrics. `shared`: with what another call of the same token had got. */
export type RefreshOutcome = 'exchanged' | 'shared' | 'superseded' | 'ended' | 'refused' | 'unavailable';

export type Refreshed = {
  session: EstablishedSession;
  /** Until when the refresh token lives that the browser holds afterwards: milliseconds since the epoch. */
  refreshableUntilMs: number;
  /** To be asked after each further wait: throws where the session was signed out meanwhile, or another took its place. */
  refuseLeft: () => Promise<void>;
};

/** A session that a refresh has ended, with the fingerprints of its tokens. `person` is null if nobody vouched for them. */
export type EndedSession = { reason: Exclude<SessionEnd, 'signed_out'>; person: Subject | null; tokens: string[] };

export type RefresherOptions = {
  authService: Pick<AuthServiceClient, 'refresh' | 'signOut'>;
  verifier: Verifier;
  lineage: Lineage;
  exchanges: Exchanges;
  proof: Pick<TokenProof, 'isBelieved'>;
  limits: Pick<SessionLimits, 'refresh'>;
  /** Whom an exchange counts for. */
  limitedAs: (subject: Subject, tokens: Pick<SentTokens, 'address' | 'isProven'>) => string;
  /** Whether the person may still have a session: asked after each refresh, with the new token. */
  standing: Pick<Standing, 'isOver' | 'isDeleted'>;
  now: () => number;
  /** A token that changed hands on its way: somebody should look into that. */
  onForeignToken: (requestId: string | undefined) => void;
  onRefresh?: ((outcome: RefreshOutcome) => void) | undefined;
  /** Called if a refresh ends the session, other than because the Auth Service refuses the token. */
  onEnd?: ((end: EndedSession, cause: RequestMeta) => void) | undefined;
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
  const { authService, verifier, lineage, exchanges, proof, limits, limitedAs, standing, now } = options;
  const { onForeignToken, onRefresh, onEnd } = options;
  const { refreshTokens, accessTokenFor } = createTokenReader({ verifier, exchanges, now });
  const underWay = new Map<string, Promise<EstablishedSession>>();

  /** Tells that the session of tokens that were sent upstream is over. */
  const tellEnd = (reason: EndedSession['reason'], old: VerifiedToken, sent: SentTokens): void => {
    const { accessToken } = sent;
    const tokens = [old.fingerprint, ...(accessToken === null ? [] : [fingerprintOf(accessToken)])];
    onEnd?.({ reason, person: sent.isProven ? old.principal : null, tokens }, requestMetaOf(sent));
  };

  /** After each wait: what happened to the session meanwhile counts for more than what was waited for. */
  const refuseEnded = (chain: Chain, endsSession = false) => {
    if (chain.endedAtMs !== null) {
      throw new AppError('session_ended', { message: 'This session was signed out.', endsSession });
    }
    if (chain.isReplaced) throw new AppError('refresh_superseded');
  };

  /** What nobody may use any more should not live on upstream either. Nobody waits for that. */
  const revoke = ({ access, accessToken, refresh, refreshToken }: EstablishedSession, cause: RequestMeta) => {
    const { type, id } = access.principal;
    const isOfType = refresh?.principal.type === type;
    authService
      .signOut({ type, id, accessToken, refreshToken: isOfType ? refreshToken : null, ...requestMetaOf(cause) })
      .catch(() => {});
  };

  const exchange = async (
    tokens: SentTokens,
    old: VerifiedToken,
    chain: Chain,
    noteSpent: () => void,
  ): Promise<EstablishedSession> => {
    const { type, id } = old.principal;
    const marks = { refresh: toMark(old, tokens.isProven), access: null };
    let session: EstablishedSession;
    try {
      const grant = await limits.refresh(limitedAs(old.principal, tokens), () =>
        authService.refresh({ ...tokens, type, id }),
      );
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
      // For a person who was deleted the deployed service answers 500, for ever.
      const isGone = isAppError(error) && error.upstream === 500 && (await standing.isDeleted(old.principal, tokens));
      if (isGone) {
        tellEnd('account_inactive', old, tokens);
        await lineage.end(marks);
      }
      throw isGone || isAppError(error, 'session_ended') ? ended(error) : error;
    }
    // The Auth Service has accepted the old token.
    const accepted = provenMarks({ refresh: old, access: null });
    const isForeign = !belongsTo(session, old.principal);
    if (isForeign) await lineage.look(chain, accepted);
    else await lineage.extend(chain, accepted, provenMarks(session));
    if (chain.endedAtMs !== null || chain.isReplaced || isForeign) {
      revoke(session, tokens);
      refuseEnded(chain);
      onForeignToken(tokens.requestId);
      tellEnd('foreign_token', old, tokens);
      await lineage.end(accepted);
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

  /** One exchange of this token in this process, and, where replicas share what they know, among all of them. */
  const exchangeOnce = (
    tokens: SentTokens,
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

  /** Ends the session of a person who was deactivated, rejected or deleted. An outage of the lookup ends nothing. */
  const refuseInactive = async (session: EstablishedSession, marks: Marks, cause: RequestMeta): Promise<void> => {
    const { principal } = session.access;
    if (!(await standing.isOver({ principal, accessToken: session.accessToken, ...requestMetaOf(cause) }))) return;
    const tokens = toList(marks).map(({ fingerprint }) => fingerprint);
    onEnd?.({ reason: 'account_inactive', person: principal, tokens }, requestMetaOf(cause));
    await lineage.end(marks);
    revoke(session, cause);
    throw ended('the person is inactive or deleted');
  };

  /**
   * Adds the access token that came with a refresh token to its chain, so that a sign-out ends it, too. One that the
   * Auth Service has not accepted yet is believed because of the refresh token, now that this is proven.
   */
  const adoptAccess = async (chain: Chain, { access, refresh }: Marks, subject: Subject): Promise<void> => {
    if (access === null || lineage.isProven(access) || access.expiresAtMs <= now()) return;
    if (await proof.isBelieved(subject)) await lineage.join(chain, provenMarks({ access, refresh }));
  };

  const refreshInChain = async (
    { token, verified: old }: ChosenToken,
    access: ChosenToken | null,
    { marks, chain, cause }: { marks: Marks; chain: Chain; cause: RequestMeta },
  ): Promise<Refreshed & { outcome: RefreshOutcome }> => {
    // Cookies that came back with a late answer after the sign-out are cleared, or they would be sent for ever;
    // but not soon after it, when this may be a straggler, and newer cookies be there.
    const isLongEnded = chain.endedAtMs !== null && now() - chain.endedAtMs >= sharedForMs;
    refuseEnded(chain, isLongEnded && !(await exchanges.wasExchanged(old.fingerprint)));

    const refuseLeft = async (): Promise<void> => {
      await lineage.look(chain, marks);
      refuseEnded(chain);
    };
    const finish = async (session: EstablishedSession, outcome: RefreshOutcome) => {
      await adoptAccess(chain, marks, old.principal);
      await refuseInactive(session, marks, cause);
      await refuseLeft();
      return { session, outcome, refuseLeft, refreshableUntilMs: (session.refresh ?? old).expiresAtMs };
    };
    const earlier = await earlierResult({ ...old, token });
    if (earlier !== null) return finish(earlier, 'shared');
    const isFirst = !underWay.has(old.fingerprint);
    if (isFirst && (await exchanges.wasExchanged(old.fingerprint))) {
      // The exchange may have ended since its result was looked for. The result is there before the token is known to
      // be spent, so that a second look finds it.
      const result = await earlierResult({ ...old, token });
      if (result !== null) return finish(result, 'shared');
      throw new AppError('refresh_superseded');
    }
    // It was chosen because it was exchanged, which Redis can no longer confirm. The Auth Service would refuse it.
    if (isFirst && old.expiresAtMs <= now()) throw new AppError('refresh_superseded');
    const isProven = marks.refresh !== null && lineage.isProven(marks.refresh);
    const sent = { ...requestMetaOf(cause), accessToken: access?.token ?? null, refreshToken: token, isProven };
    const session = await exchangeOnce(sent, old, token, chain);
    return finish(session, isFirst ? 'exchanged' : 'shared');
  };

  const refreshWith = (old: ChosenToken, access: ChosenToken | null, cause: RequestMeta) => {
    const marks: Marks = {
      refresh: toMark(old.verified, verifier.isProven(old.verified)),
      access: access === null ? null : toMark(access.verified, verifier.isProven(access.verified)),
    };
    return lineage.withChain(marks, (chain) => refreshInChain(old, access, { marks, chain, cause }));
  };

  const refresh = async (tokens: PresentedTokens): Promise<Refreshed & { outcome: RefreshOutcome }> => {
    if (tokens.refreshTokens.length === 0) {
      throw new AppError('no_token', { message: 'There is no session to refresh: no refresh token came along.' });
    }
    const [newest, ...older] = await refreshTokens(tokens.refreshTokens);
    if (newest === undefined) throw new AppError('no_token');
    const access = await accessTokenFor(tokens.accessTokens, newest.verified.principal);
    let refusal: unknown;
    for (const [index, old] of [newest, ...older].entries()) {
      try {
        return await refreshWith(old, access, tokens);
      } catch (error) {
        const isTie = older[index]?.verified.issuedAtMs === old.verified.issuedAtMs;
        // An older cookie of the same person may be of a session that goes on; of two of one second either may be newer.
        const mayTryNext = isAppError(error, 'session_ended') || (isTie && isAppError(error, 'refresh_superseded'));
        if (!mayTryNext) throw error;
        refusal ??= error;
      }
    }
    throw refusal;
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
