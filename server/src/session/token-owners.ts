import { maxValuesPerCookie } from '../token/token-chooser.ts';
import { isSameSubject, type Subject } from '../token/principal.ts';
import type { VerifiedToken, Verifier } from '../token/verified-token.ts';
import type { PresentedTokens } from './presented-tokens.ts';

/** A person whose tokens a request presents. */
export type TokenOwner = {
  person: Subject;
  /** The fingerprints of the person's tokens. */
  tokens: string[];
};

export type TokenOwnersOptions = {
  verifier: Pick<Verifier, 'verifyHere' | 'verifyAtAnyAge' | 'verifyRefreshAtAnyAge'>;
  /** Whether the BFF verifies signatures. If not, only access tokens that the Auth Service has accepted identify a person. */
  isVerifiedHere: boolean;
};

const isVerified = (token: VerifiedToken | Error | null): token is VerifiedToken =>
  token !== null && !(token instanceof Error);

/**
 * Determines the owners of the presented tokens, expired ones included, for the audit log. Each person appears once. Tokens
 * that do not verify are ignored. Needs no I/O and never throws.
 */
export const createTokenOwners =
  ({ verifier, isVerifiedHere }: TokenOwnersOptions) =>
  async ({
    accessTokens,
    refreshTokens,
  }: Pick<PresentedTokens, 'accessTokens' | 'refreshTokens'>): Promise<TokenOwner[]> => {
    const atMost = (tokens: readonly string[]) => tokens.slice(0, maxValuesPerCookie);
    const results = isVerifiedHere
      ? await Promise.all([
          ...atMost(refreshTokens).map((token) => verifier.verifyRefreshAtAnyAge(token).catch(() => null)),
          ...atMost(accessTokens).map((token) => verifier.verifyAtAnyAge(token).catch(() => null)),
        ])
      : atMost(accessTokens).map((token) => verifier.verifyHere(token));
    const owners: TokenOwner[] = [];
    for (const { principal, fingerprint } of results.filter(isVerified)) {
      const owner = owners.find(({ person }) => isSameSubject(person, principal));
      if (owner === undefined) owners.push({ person: principal, tokens: [fingerprint] });
      else owner.tokens.push(fingerprint);
    }
    return owners;
  };

export type TokenOwners = ReturnType<typeof createTokenOwners>;
