import type { AuthServiceClient } from '../../auth-service/client.ts';
import { type RequestMeta, requestMetaOf } from '../../auth-service/transport.ts';
import { newestFirst } from '../../token/choose-token.ts';
import { isSameSubject } from '../../token/principal.ts';
import type { Exchanges } from '../refresh/exchanges.ts';
import type { Lineage } from './token-families.ts';
import type { PresentedTokens } from '../presented-tokens.ts';
import type { HeldPair, TokenProof } from './token-proof.ts';

export type SignOutOptions = {
  authService: Pick<AuthServiceClient, 'signOut'>;
  lineage: Pick<Lineage, 'end'>;
  exchanges: Pick<Exchanges, 'latest'>;
  proof: Pick<TokenProof, 'mark'>;
};

const isAnyProven = ({ access, refresh }: HeldPair): boolean => access?.isProven === true || refresh?.isProven === true;

/** The pair with the newest refresh token. None: the Auth Service has no other token to take back. */
const newestRefresh = (pairs: readonly HeldPair[]): HeldPair[] =>
  pairs
    .flatMap((pair) => (pair.refresh === null ? [] : [{ ...pair.refresh, pair }]))
    .toSorted(newestFirst)
    .slice(0, 1)
    .map(({ pair }) => pair);

/** Ends the session of the tokens that a request carries. */
export const createSignOut = ({ authService, lineage, exchanges, proof }: SignOutOptions) => {
  /** An outage is no reason to fail: the cookies are cleared, and the marks count here. */
  const endUpstream = async ({ access, refresh: presented }: HeldPair, cause: RequestMeta): Promise<void> => {
    // Beside a proven access token, one that names another person is not theirs.
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
        : await exchanges.latest({ token: refresh.token, fingerprint: refresh.verified.fingerprint });
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
   * Ends the session at once in all replicas, for every token that it was ever given, and upstream as far as upstream
   * can be reached. Tokens that are not proven mark nothing; they cost one call of the Auth Service at most: either it
   * is asked about an access token, or told to take a refresh token back. Never throws.
   */
  return async (presented: PresentedTokens): Promise<void> => {
    const { pairs, hasAsked } = await proof.mark(presented, lineage.end);
    const proven = pairs.filter(isAnyProven);
    const told = proven.length > 0 || hasAsked ? proven : newestRefresh(pairs);
    await Promise.all(told.map((pair) => endUpstream(pair, presented)));
  };
};

export type SignOut = ReturnType<typeof createSignOut>;
