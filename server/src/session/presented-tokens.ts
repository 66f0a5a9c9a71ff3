import type { RequestMeta } from '../auth-service/transport.ts';
import { maxValuesPerCookie } from '../token/choose-token.ts';

/** The tokens that a request came with, each once. A cookie may come several times; none of them is verified yet. */
export type PresentedTokens = RequestMeta & {
  accessTokens: readonly string[];
  refreshTokens: readonly string[];
};

/** One pair of the presented tokens. */
export type TokenPair = RequestMeta & { accessToken: string | null; refreshToken: string | null };

/** The presented tokens in pairs: each of the first values of a cookie is in one of them. */
export const toPairs = ({ accessTokens, refreshTokens, ...cause }: PresentedTokens): TokenPair[] =>
  Array.from(
    { length: Math.min(maxValuesPerCookie, Math.max(accessTokens.length, refreshTokens.length)) },
    (_, index) => ({
      ...cause,
      accessToken: accessTokens[index] ?? null,
      refreshToken: refreshTokens[index] ?? null,
    }),
  );
