export type { Principal } from '../../src/token/principal.ts';
export {
  type Admitted,
  type Authenticates,
  type AuthenticatorOptions,
  type AuthResult,
  createAuthenticator,
} from './authenticator.ts';
export { bffRoles, type BffRolesOptions } from './bff-roles.ts';
export type { AuthRequest } from './gate.ts';
export type { RequestHeaders } from './headers.ts';
export type { ResolvedRoles, ResolveRoles } from './membership.ts';
export type { AuthOptions, JwksOptions, JwtPayload, Refused, SigningKeyOptions } from './options.ts';
export type { Refusal, RefusalReason } from './refusals.ts';
