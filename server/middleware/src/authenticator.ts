import type { Principal } from '../../src/token/principal.ts';
import { type AuthRequest, createGate, type Gate } from './gate.ts';
import { toRequirement } from './membership.ts';
import type { AuthOptions, JwtPayload } from './options.ts';
import { type Refusal, toRefusal } from './refusals.ts';

export type Admitted = { state: 'admitted'; principal: Principal; payload: JwtPayload };
/** `public`: the path is under a public prefix, and the request is anonymous even with a token. */
export type AuthResult = Admitted | { state: 'public' } | Refusal;

export type AuthenticatorOptions = AuthOptions<AuthRequest>;

/** How a kind of request is authenticated. */
export type Authenticates<Request> = {
  authenticate(request: Request): Promise<AuthResult>;
  /** As `authenticate`, and refuses callers who do not belong to the system. Throws TypeError for an invalid name. */
  requireSystem(system: string): (request: Request) => Promise<Admitted | Refusal>;
  /** As `authenticate`, and refuses callers without the role in the system. Throws TypeError for an invalid name. */
  requireRole(system: string, role: string): (request: Request) => Promise<Admitted | Refusal>;
};

/** The three checks, for requests that `read` turns into url and headers. */
export const authenticateWith = <Request>(
  gate: Gate<Request>,
  read: (request: Request) => AuthRequest,
): Authenticates<Request> => {
  const requireMember = (system: string, role?: string): ((request: Request) => Promise<Admitted | Refusal>) => {
    const requirement = toRequirement(system, role);
    return async (request) => {
      const admission = await gate.admit(read(request), request);
      if (admission.state === 'refused') return admission;
      const { identity } = admission;
      const caller = { principal: identity?.principal ?? null, identity, source: request };
      const refusal = await gate.check(requirement, caller);
      if (refusal !== null) return refusal;
      // A public path has no caller, and the check refuses that.
      if (identity === null) return toRefusal('no_token');
      return { state: 'admitted', principal: identity.principal, payload: identity.payload };
    };
  };

  return {
    async authenticate(request) {
      const admission = await gate.admit(read(request), request);
      if (admission.state === 'refused') return admission;
      if (admission.identity === null) return { state: 'public' };
      const { principal, payload } = admission.identity;
      return { state: 'admitted', principal, payload };
    },
    requireSystem: (system) => requireMember(system),
    requireRole: (system, role) => requireMember(system, role ?? ''),
  };
};

/**
 * Verifies the session of requests, for frameworks without an adapter here. Admits requests with a valid access token (with
 * `jwks`: assertion) and never throws because of one. Throws TypeError for an invalid option.
 */
export const createAuthenticator = (options: AuthenticatorOptions): Authenticates<AuthRequest> =>
  authenticateWith(createGate(options), (request) => request);
