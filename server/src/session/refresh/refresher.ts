import type { RequestMeta } from '../../auth-service/caller.ts';
import { AppError, isAppError } from '../../errors.ts';
import type { ChosenToken } from '../../token/token-chooser.ts';
import type { Subject } from '../../token/principal.ts';
import type { EstablishedSession } from '../established-session.ts';
import type { TokenFamily } from '../family/local-families.ts';
import type { TokenProof } from '../family/token-proof.ts';
import { provenRefs, type TokenRefs, toTokenRef } from '../family/token-refs.ts';
import type { PresentedTokens } from '../presented-tokens.ts';
import { signedOutError } from '../session-errors.ts';
import { resultTtlMs } from './exchange-cache.ts';
import { createSingleFlightExchange, type Refresh, type RefreshResult } from './single-flight-exchange.ts';
import { createTokenExchange, familyError, type TokenExchangeOptions } from './token-exchange.ts';
import { createTokenReader } from './token-reader.ts';

/** The outcome of a refresh, for the metrics. */
export type RefreshOutcome = RefreshResult['outcome'] | 'superseded' | 'ended' | 'refused' | 'unavailable';

export type Refreshed = {
  session: EstablishedSession;
  /** When the refresh token that the browser holds after this refresh expires: milliseconds since the epoch. */
  refreshableUntilMs: number;
  /** Call it after every further wait. Throws if the session was signed out or replaced meanwhile. */
  requireActiveFamily: () => Promise<void>;
};

export type RefresherOptions = TokenExchangeOptions & {
  tokenProof: Pick<TokenProof, 'acceptAccompanying'>;
  onRefresh?: ((outcome: RefreshOutcome) => void) | undefined;
};

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
  const { obtainSession } = createSingleFlightExchange({ ...options, tokenExchange });

  /**
   * Whether the response to a signed-out session clears the cookies. A late response can set the cookies again after the
   * sign-out, and the browser would send them forever. For 30 s after the sign-out they are kept: the request may be a
   * late one, and the browser may hold newer cookies.
   */
  const clearsCookies = async (revokedAtMs: number, fingerprint: string): Promise<boolean> =>
    now() - revokedAtMs >= resultTtlMs && !(await exchangeCache.wasExchanged(fingerprint));

  /**
   * Adds the presented access token to the family of the refresh token, so that a sign-out revokes it too. Even if the
   * Auth Service has not accepted the access token yet, it counts as proven, because the refresh token beside it is.
   */
  const adoptAccessToken = async (family: TokenFamily, { access, refresh }: TokenRefs, subject: Subject) => {
    if (access === null || tokenFamilies.isProven(access) || access.expiresAtMs <= now()) return;
    if (!(await tokenProof.acceptAccompanying(subject))) return;
    await tokenFamilies.addPresented(family, provenRefs({ access, refresh }));
  };

  const refreshInFamily = async (refresh: Refresh): Promise<Refreshed & Pick<RefreshResult, 'outcome'>> => {
    const { old, refs, family, cause } = refresh;
    // Anybody can make up a token that names a person, and would learn from the answer when the sessions of that person ended.
    const isProven = refs.refresh !== null && tokenFamilies.isProven(refs.refresh);
    const endedAtMs =
      family.revokedAtMs ?? (isProven ? await tokenFamilies.cutOffAtMs(family, refs, old.verified) : null);
    if (endedAtMs !== null) {
      throw signedOutError({ endsSession: await clearsCookies(endedAtMs, old.verified.fingerprint) });
    }
    if (family.isReplaced) throw new AppError('refresh_superseded');

    const requireActiveFamily = async (): Promise<void> => {
      await tokenFamilies.update(family, refs, old.verified.principal);
      const error = familyError(family);
      if (error !== null) throw error;
      if ((await tokenFamilies.cutOffAtMs(family, refs, old.verified)) !== null) throw signedOutError();
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
    return tokenFamilies.withFamily(refs, old.verified.principal, (family) =>
      refreshInFamily({ old, access, refs, family, cause }),
    );
  };

  const refresh = async (tokens: PresentedTokens): Promise<Refreshed & Pick<RefreshResult, 'outcome'>> => {
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
