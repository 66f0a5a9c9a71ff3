import { authenticateWith, type Authenticates, type AuthResult } from './authenticator.ts';
import { createGate } from './gate.ts';
import type { AuthOptions } from './options.ts';

export type { Admitted, AuthResult } from './authenticator.ts';
export type { JwtPayload, Refused } from './options.ts';
export type { Refusal, RefusalReason } from './refusals.ts';
export type { Principal } from '../../src/token/principal.ts';

export type RequestAuthenticatorOptions = AuthOptions<Request>;

/** Authenticates a request. `requireSystem` and `requireRole` create functions that also check membership. */
export type RequestAuthenticator = ((request: Request) => Promise<AuthResult>) &
  Pick<Authenticates<Request>, 'requireSystem' | 'requireRole'>;

/**
 * The path and query as they were sent. `new URL` would resolve dot segments, and a router that does not would route the
 * request to another handler.
 */
const targetOf = (url: string): string => url.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');

/** As `createAuthenticator`, for the Request of fetch: Hono, Next, SvelteKit and others. Throws TypeError for an invalid option. */
export const createRequestAuthenticator = (options: RequestAuthenticatorOptions): RequestAuthenticator => {
  const { authenticate, ...requires } = authenticateWith(createGate(options), ({ url, headers }: Request) => ({
    url: targetOf(url),
    headers,
  }));
  return Object.assign(authenticate, requires);
};
