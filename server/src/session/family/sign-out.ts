import type { AuthServiceClient } from '../../auth-service/client.ts';
import { type RequestMeta, requestMetaOf } from '../../auth-service/caller.ts';
import { newestFirst } from '../../token/token-chooser.ts';
import { isSameSubject } from '../../token/principal.ts';
import type { ExchangeCache } from '../refresh/exchange-cache.ts';
import type { PresentedTokens } from '../presented-tokens.ts';
import type { TokenFamilies } from './token-families.ts';
import type { ReadPair, TokenProof } from './token-proof.ts';

export type SignOutOptions = {
  authService: Pick<AuthServiceClient, 'signOut'>;
  tokenFamilies: Pick<TokenFamilies, 'revoke'>;
  exchangeCache: Pick<ExchangeCache, 'latest'>;
  tokenProof: Pick<TokenProof, 'changeProven'>;
};

const isAnyProven = ({ access, refresh }: ReadPair): boolean => access?.isProven === true || refresh?.isProven === true;

/** The pair with the newest refresh token, as a list. Empty: no pair has one, and the Auth Service cannot blacklist anything. */
const newestRefresh = (pairs: readonly ReadPair[]): ReadPair[] =>
  pairs
    .flatMap((pair) => (pair.refresh === null ? [] : [{ ...pair.refresh, pair }]))
    .toSorted(newestFirst)
    .slice(0, 1)
    .map(({ pair }) => pair);

/** Ends the session of the tokens that a request presents. */
export const createSignOut = ({ authService, tokenFamilies, exchangeCache, tokenProof }: SignOutOptions) => {
  /** Ignores an outage: the cookies are cleared and the BFF has revoked the family. */
  const signOutUpstream = async ({ access, refresh: presented }: ReadPair, cause: RequestMeta): Promise<void> => {
    // A refresh token that names another person than the proven access token belongs to another session.
    const isForeign =
      access?.isProven === true &&
      presented?.isProven === false &&
      !isSameSubject(access.verified.principal, presented.verified.principal);
    const refresh = isForeign ? null : presented;
    const subject = (refresh ?? access)?.verified.principal;
    if (subject === undefined) return;
    const newest =
      refresh === null
        ? null
        : await exchangeCache.latest({ token: refresh.token, fingerprint: refresh.verified.fingerprint });
    const { type, id } = subject;
    const ownAccess = access?.verified.principal.type === type ? access.token : null;
    await authService
      .signOut({
        type,
        id,
        accessToken: newest?.accessToken ?? ownAccess,
        refreshToken: newest?.refreshToken ?? refresh?.token ?? null,
        ...requestMetaOf(cause),
      })
      .catch(() => {});
  };

  /**
   * Revokes the families of the tokens in all replicas, then signs out at the Auth Service if that is reachable. Unproven
   * tokens revoke nothing. They cost at most one call to the Auth Service: it validates an access token or blacklists a
   * refresh token. Never throws.
   */
  return async (presented: PresentedTokens): Promise<void> => {
    const { pairs, hasAskedAuthService } = await tokenProof.changeProven(presented, tokenFamilies.revoke);
    const proven = pairs.filter(isAnyProven);
    const ending = proven.length > 0 || hasAskedAuthService ? proven : newestRefresh(pairs);
    await Promise.all(ending.map((pair) => signOutUpstream(pair, presented)));
  };
};
