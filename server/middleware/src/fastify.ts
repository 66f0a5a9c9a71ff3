import type { PersonType } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../src/token/principal.ts';
import { checkRequest, setCheck } from './checked-request.ts';
import { createGate } from './gate.ts';
import { type Requirement, toRequirement } from './membership.ts';
import type { AuthOptions, JwtPayload, Refused } from './options.ts';
import { type Refusal, refusalType } from './refusals.ts';

export type { JwtPayload, Principal, Refused };
export type { RefusalReason } from './refusals.ts';

export type RequireAuthOptions = AuthOptions<FastifyRequest>;

declare module 'fastify' {
  interface FastifyRequest {
    /** The claims of the access token or assertion; frozen. Null on a public path. */
    jwtPayload: JwtPayload | null;
    /** The id of the user or employee, by `userType`: the two ranges overlap. Null on a public path. */
    userId: number | null;
    userType: PersonType | null;
    /** The principal of the access token or assertion. Null on a public path. */
    auth: Principal | null;
  }
}

export type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
/** Works as a plugin for a scope, and as a hook for a route. */
export type PluginAndHook = (scopeOrRequest: FastifyInstance | FastifyRequest, reply?: unknown) => Promise<void>;

const name = '@auth-bff/middleware/fastify';
const decorators = ['jwtPayload', 'userId', 'userType', 'auth'] as const;

// Sent as a string: a route's response schema for this status could remove the error field.
const refuse = (reply: FastifyReply, refusal: Refusal) =>
  reply.code(refusal.status).type(refusalType).send(JSON.stringify(refusal.body));

/** Like fastify-plugin: the hook applies to the scope that registers it, not to a new one. */
const asPlugin = (plugin: PluginAndHook): PluginAndHook =>
  Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: name,
    [Symbol.for('plugin-meta')]: { name, fastify: '5.x' },
  });

/**
 * Admits requests with a valid access token, from the cookie or as Bearer, and sets `request.jwtPayload`, `userId`,
 * `userType` and `auth`. With `jwks`: with a valid assertion. All others get 401 with the guide's bodies, or 503 if that
 * cannot be determined. Needs no cookie parser. Register it as a plugin for all
 * routes of a scope, including the not-found handler, or use it as `onRequest` or `preHandler` of one route. Throws
 * TypeError for an invalid option.
 * Source: the guide's "Django Middleware Example".
 */
export const requireAuth = (options: RequireAuthOptions): PluginAndHook => {
  const gate = createGate(options);

  const hook: Hook = async (request, reply) => {
    const admission = await gate.admit(request, request);
    if (admission.state === 'refused') return refuse(reply, admission);
    const { identity } = admission;
    request.jwtPayload = identity?.payload ?? null;
    request.userId = identity?.principal.id ?? null;
    request.userType = identity?.principal.type ?? null;
    request.auth = identity?.principal ?? null;
    setCheck(request, gate, identity);
    return undefined;
  };

  const plugin = async (scope: FastifyInstance) => {
    for (const decorator of decorators) if (!scope.hasRequestDecorator(decorator)) scope.decorateRequest(decorator);
    scope.addHook('onRequest', hook);
  };

  return asPlugin(async (first, second) => ('addHook' in first ? plugin(first) : hook(first, second as FastifyReply)));
};

const requireMember =
  (requirement: Requirement): Hook =>
  async (request, reply) => {
    const refusal = await checkRequest(request, request.auth, requirement);
    return refusal === null ? undefined : refuse(reply, refusal);
  };

/**
 * Admits callers who belong to the system. All others get 403. A hook for a route or a scope, after `requireAuth`. Throws
 * TypeError if the system is not a valid name.
 */
export const requireSystem = (system: string): Hook => requireMember(toRequirement(system));

/**
 * Admits callers who have the role in the system, by their token or by `resolveRoles`. All others get 403. A hook for a route
 * or a scope, after `requireAuth`. Throws TypeError if the system or the role is not a valid name.
 */
export const requireRole = (system: string, role: string): Hook => requireMember(toRequirement(system, role ?? ''));
