import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../token/principal.ts';
import { createGate, type JwtPayload, type RequireAuthOptions } from './gate.ts';
import { type Refusal, refusalBody, refusalType } from './refusals.ts';
import { createRoleGate } from './role-gate.ts';

export type { JwtPayload, Principal, RequireAuthOptions };

// Express is not imported, so that it need not be there; what is told of it is what its types leave open.
declare global {
  namespace Express {
    interface User extends JwtPayload {}
    interface Request {
      /** The claims of the access token; frozen. Absent on a public path. */
      user?: User | undefined;
      /** Whom the access token speaks for. Null on a public path. */
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
 * Lets through who comes with a good access token, in the cookie or else as Bearer, and tells who that is in `req.user`
 * and `req.auth`. Everybody else gets 401 with the guide's bodies. Needs no cookie parser. Throws TypeError where an
 * option is not as it should be. Source: the guide's "Express.js Middleware Example".
 */
export const requireAuth = (options: RequireAuthOptions): Middleware => {
  const gate = createGate(options);

  const admit = async (request: Request): Promise<Refusal | null> => {
    // Where it is mounted on a path, Express takes that path off the address.
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

  // Express 4 knows nothing of promises.
  return (...args) => void run(...args);
};

/**
 * Lets through who holds the role in the system, by the token. Everybody else gets 403. Stands behind `requireAuth`.
 * Throws TypeError where the system or the role is no name.
 */
export const requireRole = (system: string, role: string): Middleware => {
  const gate = createRoleGate(system, role);
  return (request, response, next) => {
    const refusal = gate(request.auth);
    if (refusal === null) next();
    else refuse(response, refusal);
  };
};
