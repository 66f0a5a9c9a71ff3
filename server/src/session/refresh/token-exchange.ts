import type { AuthServiceClient } from '../../auth-service/client.ts';
import { type RequestMeta, requestMetaOf } from '../../auth-service/caller.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { SessionEnd } from '../../platform/audit.ts';
import type { AttemptLimiter } from '../../rate-limit/attempt-limiter.ts';
import type { Subject } from '../../token/principal.ts';
import { fingerprintOf, type VerifiedToken, type Verifier } from '../../token/verified-token.ts';
import { belongsTo, type EstablishedSession, establishSession } from '../established-session.ts';
import type { TokenFamily } from '../family/local-families.ts';
import type { TokenFamilies } from '../family/token-families.ts';
import { provenRefs, toRefList, type TokenRefs, toTokenRef } from '../family/token-refs.ts';
import type { TokenPair } from '../presented-tokens.ts';
import { endedError, signedOutError } from '../session-errors.ts';
import type { AccountStatus } from './account-status.ts';
import type { ExchangeCache } from './exchange-cache.ts';

/** The tokens that are sent to the Auth Service. `isProven`: the Auth Service is known to have issued the refresh token. */
export type SentTokens = TokenPair & { isProven: boolean };

/** A session that a refresh has ended, with the fingerprints of its tokens. `person`: null if the tokens are not proven. */
export type EndedSession = { reason: Exclude<SessionEnd, 'signed_out'>; person: Subject | null; tokens: string[] };

export type TokenExchangeOptions = {
  authService: Pick<AuthServiceClient, 'refresh' | 'signOut'>;
  verifier: Verifier;
  tokenFamilies: TokenFamilies;
  exchangeCache: ExchangeCache;
  attemptLimiter: Pick<AttemptLimiter, 'refresh'>;
  /** The person or network whose limit an exchange counts towards. */
  limitSubjectOf: (subject: Subject, tokens: Pick<SentTokens, 'address' | 'isProven'>) => string;
  accountStatus: Pick<AccountStatus, 'isInactive' | 'isDeleted'>;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Called when the Auth Service returns the tokens of another person: an operator should investigate. */
  onForeignToken: (requestId: string | undefined) => void;
  /** Called with each access token that the Auth Service has just issued. */
  onIssue: (access: VerifiedToken) => void;
  /** Called if a refresh ends the session, except if the Auth Service rejects the token. */
  onEnd?: ((end: EndedSession, cause: RequestMeta) => void) | undefined;
};

/** `signed_out` and `replaced`: the family changed while the exchange was in flight. `foreign`: the tokens are of another person. */
type Verdict = 'accepted' | 'signed_out' | 'replaced' | 'foreign';

/** Why the tokens of a family must not be used any more. Null: they may be used. */
export const familyError = ({ revokedAtMs, isReplaced }: TokenFamily): AppError | null => {
  if (revokedAtMs !== null) return signedOutError();
  return isReplaced ? new AppError('refresh_superseded') : null;
};

/** Exchanges a refresh token at the Auth Service and decides what becomes of the new tokens. */
export const createTokenExchange = (options: TokenExchangeOptions) => {
  const { authService, verifier, tokenFamilies, exchangeCache, attemptLimiter, limitSubjectOf, accountStatus } =
    options;
  const { now, onForeignToken, onIssue, onEnd } = options;

  const reportEnd = (reason: EndedSession['reason'], old: VerifiedToken, sent: SentTokens): void => {
    const { accessToken } = sent;
    const tokens = [old.fingerprint, ...(accessToken === null ? [] : [fingerprintOf(accessToken)])];
    onEnd?.({ reason, person: sent.isProven ? old.principal : null, tokens }, requestMetaOf(sent));
  };

  /** Signs out a session at the Auth Service whose tokens will not be used. Does not wait for the response. */
  const signOutUpstream = (
    { access, accessToken, refresh, refreshToken }: EstablishedSession,
    cause: RequestMeta,
  ): void => {
    const { type, id } = access.principal;
    const isOfType = refresh?.principal.type === type;
    authService
      .signOut({ type, id, accessToken, refreshToken: isOfType ? refreshToken : null, ...requestMetaOf(cause) })
      .catch(() => {});
  };

  const requestTokens = async (sent: SentTokens, old: VerifiedToken, onSpent: () => void) => {
    const { type, id } = old.principal;
    const tokenSet = await attemptLimiter.refresh(limitSubjectOf(old.principal, sent), () =>
      authService.refresh({ ...sent, type, id }),
    );
    // Some services return the same refresh token: then the old one is not spent.
    const refreshToken = tokenSet.refreshToken === sent.refreshToken ? null : tokenSet.refreshToken;
    if (refreshToken !== null) {
      exchangeCache.markExchanged(old.fingerprint);
      onSpent();
    }
    const session = await establishSession({ ...tokenSet, refreshToken }, { verifier, now });
    onIssue(session.access);
    return session;
  };

  /** The error of a failed exchange. */
  const toExchangeError = async (error: unknown, sent: SentTokens, old: VerifiedToken, family: TokenFamily) => {
    const refs = { refresh: toTokenRef(old, sent.isProven), access: null };
    // After a sign-out or a new sign-in the rejection is expected, and the browser may hold newer cookies.
    await tokenFamilies.update(family, refs, old.principal);
    const changed = familyError(family);
    if (changed !== null) return changed;
    // The deployed Auth Service responds with 500 to every refresh of a deleted person.
    const isDeleted =
      isAppError(error) && error.upstream === 500 && (await accountStatus.isDeleted(old.principal, sent));
    if (isDeleted) {
      reportEnd('account_inactive', old, sent);
      await tokenFamilies.revoke(refs);
    }
    return isDeleted || isAppError(error, 'session_ended') ? endedError(error) : error;
  };

  /** Adds the new tokens to the family, unless they are of another person. */
  const judge = async (session: EstablishedSession, old: VerifiedToken, family: TokenFamily): Promise<Verdict> => {
    // The Auth Service has accepted the old token, which proves it.
    const exchanged = provenRefs({ refresh: old, access: null });
    const isForeign = !belongsTo(session, old.principal);
    if (isForeign) await tokenFamilies.update(family, exchanged, old.principal);
    else await tokenFamilies.addIssued(family, exchanged, provenRefs(session));
    if (family.revokedAtMs !== null) return 'signed_out';
    if (family.isReplaced) return 'replaced';
    return isForeign ? 'foreign' : 'accepted';
  };

  return {
    /** Calls `onSpent` as soon as the Auth Service has exchanged the token, even if the new tokens turn out to be unusable. */
    async exchange(
      sent: SentTokens,
      old: VerifiedToken,
      family: TokenFamily,
      onSpent: () => void,
    ): Promise<EstablishedSession> {
      let session: EstablishedSession;
      try {
        session = await requestTokens(sent, old, onSpent);
      } catch (error) {
        throw await toExchangeError(error, sent, old, family);
      }
      const verdict = await judge(session, old, family);
      switch (verdict) {
        case 'accepted':
          exchangeCache.set(old.fingerprint, session);
          return session;
        case 'signed_out':
          signOutUpstream(session, sent);
          throw signedOutError();
        case 'replaced':
          signOutUpstream(session, sent);
          throw new AppError('refresh_superseded');
        case 'foreign':
          break;
      }
      signOutUpstream(session, sent);
      onForeignToken(sent.requestId);
      reportEnd('foreign_token', old, sent);
      await tokenFamilies.revoke(provenRefs({ refresh: old, access: null }));
      throw endedError('the new token is of another person');
    },

    /** Ends the session if the person was deactivated, rejected or deleted. Does nothing if the lookup fails. */
    async requireActiveAccount(session: EstablishedSession, refs: TokenRefs, cause: RequestMeta): Promise<void> {
      const { principal } = session.access;
      const request = { principal, accessToken: session.accessToken, ...requestMetaOf(cause) };
      if (!(await accountStatus.isInactive(request))) return;
      const tokens = toRefList(refs).map(({ fingerprint }) => fingerprint);
      onEnd?.({ reason: 'account_inactive', person: principal, tokens }, requestMetaOf(cause));
      await tokenFamilies.revoke(refs);
      signOutUpstream(session, cause);
      throw endedError('the person is inactive or deleted');
    },
  };
};

export type TokenExchange = ReturnType<typeof createTokenExchange>;
