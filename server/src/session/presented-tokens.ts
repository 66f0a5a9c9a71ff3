import type { RequestMeta } from '../auth-service/caller.ts';
import { maxValuesPerCookie } from '../token/token-chooser.ts';

/** All distinct tokens that a request presents, unverified. A request may carry several cookies of the same name. */
export type PresentedTokens = RequestMeta & {
  accessTokens: readonly string[];
  refreshTokens: readonly string[];
};

/** One presented access token and one presented refresh token. */
export type TokenPair = RequestMeta & { accessToken: string | null; refreshToken: string | null };

/** Pairs the tokens by position. Values beyond `maxValuesPerCookie` are ignored. */
export const toPairs = ({ accessTokens, refreshTokens, ...cause }: PresentedTokens): TokenPair[] =>
  Array.from(
    { length: Math.min(maxValuesPerCookie, Math.max(accessTokens.length, refreshTokens.length)) },
    (_, index) => ({
      ...cause,
      accessToken: accessTokens[index] ?? null,
      refreshToken: refreshTokens[index] ?? null,
    }),
  );
