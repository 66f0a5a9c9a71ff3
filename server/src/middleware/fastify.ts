import type { PersonType } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../token/principal.ts';
import { createGate, type JwtPayload, type RequireAuthOptions } from './gate.ts';
import { type Refusal, refusalBody, refusalType } from './refusals.ts';
import { createRoleGate } from './role-gate.ts';

export type { JwtPayload, Principal, RequireAuthOptions };

declare module 'fastify' {
  interface FastifyRequest {
    /** The claims of the access token; frozen. Null on a public path. */
    jwtPayload: JwtPayload | null;
    /** The id of the user or employee, by `userType`: the two ranges overlap. Null on a public path. */
    userId: number | null;
    userType: PersonType | null;
    /** The principal of the access token. Null on a public path. */
    auth: Principal | null;
  }
}

export type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
/** Works as a plugin for a scope, and as a hook for a route. */
export type PluginAndHook = (scopeOrRequest: FastifyInstance | FastifyRequest, reply?: unknown) => Promise<void>;

const name = '@auth-bff/server/fastify';
const decorators = ['jwtPayload', 'userId', 'userType', 'auth'] as const;

// Sent as a string: a route's response schema for this status could remove the error field.
const refuse = (reply: FastifyReply, refusal: Refusal) =>
  reply.code(refusal.status).type(refusalType).send(refusalBody(refusal));

/** Like fastify-plugin: the hook applies to the scope that registers it, not to a new one. */
const asPlugin = (plugin: PluginAndHook): PluginAndHook =>
  Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: name,
    [Symbol.for('plugin-meta')]: { name, fastify: '5.x' },
  });

/**
 * Admits requests with a valid access token, from the cookie or as Bearer, and sets `request.jwtPayload`, `userId`,
 * `userType` and `auth`. All others get 401 with the guide's bodies. Needs no cookie parser. Register it as a plugin for all
 * routes of a scope, including the not-found handler, or use it as `onRequest` or `preHandler` of one route. Throws
 * TypeError for an invalid option.
 * Source: the guide's "Django Middleware Example".
 */
export const requireAuth = (options: RequireAuthOptions): PluginAndHook => {
  const gate = createGate(options);

  const hook: Hook = async (request, reply) => {
    const admission = await gate({ target: request.url, headers: request.headers });
    if (admission.state === 'refused') return refuse(reply, admission.refusal);
    const { identity } = admission;
    request.jwtPayload = identity?.payload ?? null;
    request.userId = identity?.principal.id ?? null;
    request.userType = identity?.principal.type ?? null;
    request.auth = identity?.principal ?? null;
    return undefined;
  };

  const plugin = async (scope: FastifyInstance) => {
    for (const decorator of decorators) if (!scope.hasRequestDecorator(decorator)) scope.decorateRequest(decorator);
    scope.addHook('onRequest', hook);
  };

  return asPlugin(async (first, second) => ('addHook' in first ? plugin(first) : hook(first, second as FastifyReply)));
};

/**
 * Admits callers whose token has the role in the system. All others get 403. A hook for a route or a scope, after
 * `requireAuth`. Throws TypeError if the system or the role is not a valid name.
 */
export const requireRole = (system: string, role: string): Hook => {
  const gate = createRoleGate(system, role);
  return async (request, reply) => {
    const refusal = gate(request.auth);
    return refusal === null ? undefined : refuse(reply, refusal);
  };
};
