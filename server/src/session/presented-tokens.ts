import type { Cause } from '../auth-service/transport.ts';

/** The tokens that a request came with. Null: none, or an empty cookie. Nothing about them is known to hold. */
export type PresentedTokens = Cause & {
  accessToken: string | null;
  refreshToken: string | null;
};
