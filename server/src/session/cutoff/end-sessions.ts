import { newestFirst } from '../../token/token-chooser.ts';
import { isSameSubject } from '../../token/principal.ts';
import type { VerifiedToken, Verifier } from '../../token/verified-token.ts';
import type { TokenFamilies } from '../family/token-families.ts';
import { toRefs, type TokenProof } from '../family/token-proof.ts';
import type { PresentedTokens } from '../presented-tokens.ts';
import type { Cutoffs } from './cutoffs.ts';

export type EndSessionsOptions = {
  verifier: Pick<Verifier, 'verifyRefresh'>;
  cutoffs: Pick<Cutoffs, 'observeIssue'>;
  tokenFamilies: Pick<TokenFamilies, 'cutOff' | 'proofOf'>;
  tokenProof: Pick<TokenProof, 'changeProven'>;
};

/** The access token of a signed-in caller. */
export type OwnToken = { token: string; verified: VerifiedToken };

/** Ends the sessions of a person in all browsers and replicas, including those that the BFF has not seen. */
export const createEndSessions = ({ verifier, cutoffs, tokenFamilies, tokenProof }: EndSessionsOptions) => {
  /** The newest presented refresh token of the person, as a list. Other cookies may be of an older session. */
  const ownRefreshTokens = async ({ principal }: VerifiedToken, presented: PresentedTokens): Promise<string[]> => {
    const read = await Promise.all(
      presented.refreshTokens.map(async (token) => {
        const verified = await verifier.verifyRefresh(token).catch(() => null);
        return verified !== null && isSameSubject(verified.principal, principal) ? [{ token, verified }] : [];
      }),
    );
    return read
      .flat()
      .toSorted(newestFirst)
      .slice(0, 1)
      .map(({ token }) => token);
  };

  return {
    /** Ends all sessions of the person. Those that begin afterwards are not affected. Never throws. */
    async everywhere({ verified }: OwnToken): Promise<void> {
      cutoffs.observeIssue(verified);
      await tokenFamilies.cutOff(verified.principal, null);
    },

    /** Ends all sessions of the person except the one of this token. Never throws. */
    async others({ token, verified }: OwnToken, presented: PresentedTokens): Promise<void> {
      cutoffs.observeIssue(verified);
      const refreshTokens = await ownRefreshTokens(verified, presented);
      const { pairs } = await tokenProof.changeProven(
        { ...presented, accessTokens: [token], refreshTokens },
        tokenFamilies.proofOf,
      );
      const [own] = pairs;
      await tokenFamilies.cutOff(verified.principal, own === undefined ? null : toRefs(own));
    },
  };
};

export type EndSessions = ReturnType<typeof createEndSessions>;
