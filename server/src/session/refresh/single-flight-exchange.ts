import { type RequestMeta, requestMetaOf } from '../../auth-service/caller.ts';
import { AppError } from '../../errors.ts';
import type { ChosenToken } from '../../token/token-chooser.ts';
import type { EstablishedSession } from '../established-session.ts';
import type { TokenFamily } from '../family/local-families.ts';
import type { TokenFamilies } from '../family/token-families.ts';
import type { TokenRefs } from '../family/token-refs.ts';
import type { ExchangeCache, OldToken } from './exchange-cache.ts';
import type { TokenExchange } from './token-exchange.ts';

/** One refresh: the tokens of the request and the family that they belong to. */
export type Refresh = {
  old: ChosenToken;
  access: ChosenToken | null;
  refs: TokenRefs;
  family: TokenFamily;
  cause: RequestMeta;
};

/** `shared`: the session was obtained for another request with the same token. */
export type RefreshResult = { session: EstablishedSession; outcome: 'exchanged' | 'shared' };

export type SingleFlightExchangeOptions = {
  tokenExchange: Pick<TokenExchange, 'exchange'>;
  tokenFamilies: Pick<TokenFamilies, 'isProven'>;
  exchangeCache: ExchangeCache;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** Exchanges each refresh token once: within this process and, with Redis, among all replicas. */
export const createSingleFlightExchange = (options: SingleFlightExchangeOptions) => {
  const { tokenExchange, tokenFamilies, exchangeCache, now } = options;
  /** By the fingerprint of the old token. */
  const inFlight = new Map<string, Promise<EstablishedSession>>();

  /**
   * Whether a result still serves a request. If the Auth Service kept the refresh token valid, the browser presents it
   * again when the access token is due for a refresh: from then on the result is too old.
   */
  const isUseful = ({ refreshToken, access }: EstablishedSession): boolean =>
    now() < (refreshToken === null ? access.refreshAtMs : access.expiresAtMs);

  /** The newest useful session that followed from an exchange of this token. */
  const cachedResult = async (old: OldToken): Promise<EstablishedSession | null> => {
    const session = await exchangeCache.latest(old);
    return session !== null && isUseful(session) ? session : null;
  };

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

  return {
    /**
     * A cached result, the result of the exchange in flight, or the result of a new exchange. Throws
     * `refresh_superseded` if the token was exchanged longer ago, and the errors of the exchange.
     */
    async obtainSession(refresh: Refresh): Promise<RefreshResult> {
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
    },
  };
};
