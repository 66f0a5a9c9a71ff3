import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../../src/token/principal.ts';
import { checkRequest, setCheck } from './checked-request.ts';
import { createGate } from './gate.ts';
import { type Requirement, toRequirement } from './membership.ts';
import type { AuthOptions, JwtPayload, Refused } from './options.ts';
import { type Refusal, refusalType } from './refusals.ts';

export type { JwtPayload, Principal, Refused };
export type { RefusalReason } from './refusals.ts';

/** The request as Express has it. `requireAuth` sets `user` and `auth`. */
export type GuardedRequest = IncomingMessage & {
  baseUrl?: string;
  // oxlint-disable-next-line typescript/no-explicit-any -- As declared by the project or another package.
  user?: any;
  auth?: Principal | null;
};

export type RequireAuthOptions = AuthOptions<GuardedRequest>;

/**
 * A base of Express.Request. A project or another package, such as @types/passport, may declare `user` with any type: the
 * declared type then counts. Two declarations in Express.Request itself would have to be the same.
 */
export interface RequestWithUser {
  /** The claims of the access token or assertion; frozen. Absent on a public path. */
  // oxlint-disable-next-line typescript/no-explicit-any -- Every declared type must be assignable to it.
  user?: any;
}

// Express is optional and not imported. This augments the global types that its own types extend.
declare global {
  namespace Express {
    interface Request extends RequestWithUser {
      /** The principal of the access token or assertion. Null on a public path. */
      auth?: Principal | null;
    }
  }
}

type Next = (error?: unknown) => void;
export type Middleware = (request: GuardedRequest, response: ServerResponse, next: Next) => void;

const refuse = (response: ServerResponse, refusal: Refusal): void => {
  const body = JSON.stringify(refusal.body);
  response.statusCode = refusal.status;
  response.setHeader('content-type', refusalType);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
};

type Step = (request: GuardedRequest) => Promise<Refusal | null>;

const toMiddleware = (step: Step): Middleware => {
  const run = async (request: GuardedRequest, response: ServerResponse, next: Next): Promise<void> => {
    try {
      const refusal = await step(request);
      if (refusal !== null) return refuse(response, refusal);
    } catch (error) {
      return next(error);
    }
    next();
  };
  // Express 4 ignores returned promises.
  return (...args) => void run(...args);
};

/**
 * Admits requests with a valid access token, from the cookie or as Bearer, and sets `req.user` and `req.auth`. With `jwks`:
 * with a valid assertion. All others get 401 with the guide's bodies, or 503 if that cannot be determined. Needs no cookie
 * parser. Throws TypeError for an invalid option. Source: the guide's "Express.js Middleware Example".
 */
export const requireAuth = (options: RequireAuthOptions): Middleware => {
  const gate = createGate(options);
  return toMiddleware(async (request) => {
    // Express removes the mount path from `req.url`.
    const url = (request.baseUrl ?? '') + (request.url ?? '');
    const admission = await gate.admit({ url, headers: request.headers }, request);
    if (admission.state === 'refused') return admission;
    const { identity } = admission;
    if (identity !== null) request.user = identity.payload;
    request.auth = identity?.principal ?? null;
    setCheck(request, gate, identity);
    return null;
  });
};

const requireMember = (requirement: Requirement): Middleware =>
  toMiddleware((request) => checkRequest(request, request.auth, requirement));

/**
 * Admits callers who belong to the system. All others get 403. Register it after `requireAuth`. Throws TypeError if the
 * system is not a valid name.
 */
export const requireSystem = (system: string): Middleware => requireMember(toRequirement(system));

/**
 * Admits callers who have the role in the system, by their token or by `resolveRoles`. All others get 403. Register it after
 * `requireAuth`. Throws TypeError if the system or the role is not a valid name.
 */
export const requireRole = (system: string, role: string): Middleware =>
  requireMember(toRequirement(system, role ?? ''));
