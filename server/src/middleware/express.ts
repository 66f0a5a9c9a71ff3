import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../token/principal.ts';
import { createGate, type JwtPayload, type RequireAuthOptions } from './gate.ts';
import { type Refusal, refusalBody, refusalType } from './refusals.ts';
import { createRoleGate } from './role-gate.ts';

export type { JwtPayload, Principal, RequireAuthOptions };

// Express is optional and not imported. This augments the global types that its own types extend.
declare global {
  namespace Express {
    interface User extends JwtPayload {}
    interface Request {
      /** The claims of the access token; frozen. Absent on a public path. */
      user?: User | undefined;
      /** The principal of the access token. Null on a public path. */
      auth?: Principal | null;
    }
  }
}

type Request = IncomingMessage & Pick<Express.Request, 'user' | 'auth'> & { baseUrl?: string };
type Next = (error?: unknown) => void;
export type Middleware = (request: Request, response: ServerResponse, next: Next) => void;

const refuse = (response: ServerResponse, refusal: Refusal): void => {
  const body = refusalBody(refusal);
  response.statusCode = refusal.status;
  response.setHeader('content-type', refusalType);
  response.setHeader('content-length', Buffer.byteLength(body));
  response.end(body);
};

/**
 * Admits requests with a valid access token, from the cookie or as Bearer, and sets `req.user` and `req.auth`. All others
 * get 401 with the guide's bodies. Needs no cookie parser. Throws TypeError for an invalid option. Source: the guide's "Express.js Middleware Example".
 */
export const requireAuth = (options: RequireAuthOptions): Middleware => {
  const gate = createGate(options);

  const admit = async (request: Request): Promise<Refusal | null> => {
    // Express removes the mount path from `req.url`.
    const target = (request.baseUrl ?? '') + (request.url ?? '');
    const admission = await gate({ target, headers: request.headers });
    if (admission.state === 'refused') return admission.refusal;
    const { identity } = admission;
    if (identity !== null) request.user = identity.payload;
    request.auth = identity?.principal ?? null;
    return null;
  };

  const run = async (request: Request, response: ServerResponse, next: Next): Promise<void> => {
    try {
      const refusal = await admit(request);
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
 * Admits callers whose token has the role in the system. All others get 403. Register it after `requireAuth`. Throws
 * TypeError if the system or the role is not a valid name.
 */
export const requireRole = (system: string, role: string): Middleware => {
  const gate = createRoleGate(system, role);
  return (request, response, next) => {
    const refusal = gate(request.auth);
    if (refusal === null) next();
    else refuse(response, refusal);
  };
};
