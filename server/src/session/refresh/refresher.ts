import { type RequestMeta, requestMetaOf } from '../../auth-service/transport.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { ChosenToken } from '../../token/token-chooser.ts';
import type { Subject } from '../../token/principal.ts';
import type { EstablishedSession } from '../established-session.ts';
import type { TokenFamily } from '../family/token-families.ts';
import type { TokenProof } from '../family/token-proof.ts';
import { provenRefs, type TokenRefs, toTokenRef } from '../family/token-refs.ts';
import type { PresentedTokens } from '../presented-tokens.ts';
import { signedOutError } from '../session-errors.ts';
import { type OldToken, resultTtlMs } from './exchange-cache.ts';
import { createTokenExchange, familyError, type TokenExchangeOptions } from './token-exchange.ts';
import { createTokenReader } from './token-reader.ts';

/** The outcome of a refresh, for the metrics. `shared`: with the result of another request with the same token. */
export type RefreshOutcome = 'exchanged' | 'shared' | 'superseded' | 'ended' | 'refused' | 'unavailable';

export type Refreshed = {
  session: EstablishedSession;
  /** When the refresh token expires that the browser holds afterwards: milliseconds since the epoch. */
  refreshableUntilMs: number;
  /** Call it after every further wait. Throws if the session was signed out or replaced meanwhile. */
  requireActiveFamily: () => Promise<void>;
};

export type RefresherOptions = TokenExchangeOptions & {
  tokenProof: Pick<TokenProof, 'acceptAccompanying'>;
  onRefresh?: ((outcome: RefreshOutcome) => void) | undefined;
};

/** One refresh: the tokens of the request and the family that they belong to. */
type Refresh = {
  old: ChosenToken;
  access: ChosenToken | null;
  refs: TokenRefs;
  family: TokenFamily;
  cause: RequestMeta;
};

type Result = { session: EstablishedSession; outcome: Extract<RefreshOutcome, 'exchanged' | 'shared'> };

const outcomeOf = (error: unknown): RefreshOutcome => {
  if (isAppError(error, 'session_ended')) return 'ended';
  if (isAppError(error, 'refresh_superseded')) return 'superseded';
  return isAppError(error, 'no_token', 'token_invalid', 'rate_limited') ? 'refused' : 'unavailable';
};

/**
 * Exchanges each refresh token once. The Auth Service blacklists a token at its first use, so that a second exchange
 * would sign the person out.
 *
 * Requests that present the same token while the exchange is in flight, or within 30 s, get the same result. Later
 * requests get `refresh_superseded`, which clears no cookies, because newer ones exist. A sign-out takes precedence over
 * an exchange in flight: the refresh checks the token family after every wait.
 */
export const createRefresher = (options: RefresherOptions) => {
  const { verifier, tokenFamilies, exchangeCache, tokenProof, now, onRefresh } = options;
  const { refreshTokens, accessTokenFor } = createTokenReader({ verifier, exchangeCache, now });
  const tokenExchange = createTokenExchange(options);
  const inFlight = new Map<string, Promise<EstablishedSession>>();

  /** A refresh token that remains valid may be presented again when its access token is due: then that result is too old. */
  const isUseful = ({ refreshToken, access }: EstablishedSession): boolean =>
    now() < (refreshToken === null ? access.refreshAtMs : access.expiresAtMs);

  /** The newest useful session that followed from an exchange of this token. */
  const cachedResult = async (old: OldToken): Promise<EstablishedSession | null> => {
    const session = await exchangeCache.latest(old);
    return session !== null && isUseful(session) ? session : null;
  };

  /** Single-flight within this process and, with Redis, among all replicas. */
  const exchangeOnce = ({ old, access, refs, family, cause }: Refresh): Promise<EstablishedSession> => {
    const { token, verified } = old;
    const current = inFlight.get(verified.fingerprint);
    if (current !== undefined) return current;
    const isProven = refs.refresh !== null && tokenFamilies.isProven(refs.refresh);
    const sent = { ...requestMetaOf(cause), accessToken: access?.token ?? null, refreshToken: token, isProven };
    const exchange = (onSpent: () => void) => tokenExchange.exchange(sent, verified, family, onSpent);
    const { shared } = exchangeCache;
    const started = (
      shared === null ? exchange(() => {}) : shared.once({ ...verified, token }, { isUseful, exchange })
    ).finally(() => inFlight.delete(verified.fingerprint));
    inFlight.set(verified.fingerprint, started);
    return started;
  };

  /** A cached result, the result of the exchange in flight, or the result of a new exchange. */
  const obtainSession = async (refresh: Refresh): Promise<Result> => {
    const { token, verified } = refresh.old;
    const old = { ...verified, token };
    const cached = await cachedResult(old);
    if (cached !== null) return { session: cached, outcome: 'shared' };
    const current = inFlight.get(old.fingerprint);
    if (current !== undefined) return { session: await current, outcome: 'shared' };
    if (await exchangeCache.wasExchanged(old.fingerprint)) {
      // The exchange may have ended since the first lookup. Its result is stored before the token counts as exchanged,
      // so that the second lookup finds it.
      const result = await cachedResult(old);
      if (result !== null) return { session: result, outcome: 'shared' };
      throw new AppError('refresh_superseded');
    }
    // The token reader returns an expired token only if it was exchanged, which Redis can no longer confirm. The Auth
    // Service would reject it.
    if (old.expiresAtMs <= now()) throw new AppError('refresh_superseded');
    return { session: await exchangeOnce(refresh), outcome: 'exchanged' };
  };

  /**
   * Cookies that a late response has set again after the sign-out are cleared, or the browser would send them forever. For
   * 30 s after the sign-out they are kept: the request may be a late one, and the browser may hold newer cookies.
   */
  const clearsCookies = async ({ revokedAtMs }: TokenFamily, fingerprint: string): Promise<boolean> => {
    const isLongAgo = revokedAtMs !== null && now() - revokedAtMs >= resultTtlMs;
    return isLongAgo && !(await exchangeCache.wasExchanged(fingerprint));
  };

  /**
   * Adds the presented access token to the family of the refresh token, so that a sign-out revokes it too. An access
   * token that the Auth Service has not accepted yet counts as proven by the refresh token, which now is.
   */
  const adoptAccessToken = async (family: TokenFamily, { access, refresh }: TokenRefs, subject: Subject) => {
    if (access === null || tokenFamilies.isProven(access) || access.expiresAtMs <= now()) return;
    if (!(await tokenProof.acceptAccompanying(subject))) return;
    await tokenFamilies.addPresented(family, provenRefs({ access, refresh }));
  };

  const refreshInFamily = async (refresh: Refresh): Promise<Refreshed & Pick<Result, 'outcome'>> => {
    const { old, refs, family, cause } = refresh;
    const endsSession = await clearsCookies(family, old.verified.fingerprint);
    if (family.revokedAtMs !== null) throw signedOutError({ endsSession });
    if (family.isReplaced) throw new AppError('refresh_superseded');

    const requireActiveFamily = async (): Promise<void> => {
      await tokenFamilies.update(family, refs);
      const error = familyError(family);
      if (error !== null) throw error;
    };
    const { session, outcome } = await obtainSession(refresh);
    await adoptAccessToken(family, refs, old.verified.principal);
    await tokenExchange.requireActiveAccount(session, refs, cause);
    await requireActiveFamily();
    const { expiresAtMs } = session.refresh ?? old.verified;
    return { session, outcome, requireActiveFamily, refreshableUntilMs: expiresAtMs };
  };

  const refreshWith = (old: ChosenToken, access: ChosenToken | null, cause: RequestMeta) => {
    const refs: TokenRefs = {
      refresh: toTokenRef(old.verified, verifier.isProven(old.verified)),
      access: access === null ? null : toTokenRef(access.verified, verifier.isProven(access.verified)),
    };
    return tokenFamilies.withFamily(refs, (family) => refreshInFamily({ old, access, refs, family, cause }));
  };

  const refresh = async (tokens: PresentedTokens): Promise<Refreshed & Pick<Result, 'outcome'>> => {
    if (tokens.refreshTokens.length === 0) {
      throw new AppError('no_token', {
        message: 'The request presents no refresh token: there is no session to refresh.',
      });
    }
    const [newest, ...older] = await refreshTokens(tokens.refreshTokens);
    if (newest === undefined) throw new AppError('no_token');
    const access = await accessTokenFor(tokens.accessTokens, newest.verified.principal);
    let firstError: unknown;
    for (const [index, old] of [newest, ...older].entries()) {
      try {
        return await refreshWith(old, access, tokens);
      } catch (error) {
        // An older cookie of the same person may belong to a session that continues. Of two tokens of the same second,
        // either may be the newer one.
        const isTie = older[index]?.verified.issuedAtMs === old.verified.issuedAtMs;
        const mayTryNext = isAppError(error, 'session_ended') || (isTie && isAppError(error, 'refresh_superseded'));
        if (!mayTryNext) throw error;
        firstError ??= error;
      }
    }
    throw firstError;
  };

  return {
    /**
     * Refreshes the session of the presented refresh token. Throws `no_token`, `token_invalid`, `session_ended`,
     * `refresh_superseded`, `rate_limited`. An outage of the Auth Service ends no session.
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
