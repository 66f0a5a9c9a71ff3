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
    /** The number of the user or, by `userType`, of the employee: the two overlap. Null on a public path. */
    userId: number | null;
    userType: PersonType | null;
    /** Whom the access token speaks for. Null on a public path. */
    auth: Principal | null;
  }
}

export type Hook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
/** A plugin for a scope, and a hook for one route. */
export type PluginAndHook = (scopeOrRequest: FastifyInstance | FastifyRequest, reply?: unknown) => Promise<void>;

const name = '@auth-bff/server/fastify';
const decorators = ['jwtPayload', 'userId', 'userType', 'auth'] as const;

// As text, so that a route's own schema for this status does not leave the error out.
const refuse = (reply: FastifyReply, refusal: Refusal) =>
  reply.code(refusal.status).type(refusalType).send(refusalBody(refusal));

/** As fastify-plugin does: the hook is for the scope that registers it, not for one of its own. */
const asPlugin = (plugin: PluginAndHook): PluginAndHook =>
  Object.assign(plugin, {
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: name,
    [Symbol.for('plugin-meta')]: { name, fastify: '5.x' },
  });

/**
 * Lets through who comes with a good access token, in the cookie or else as Bearer, and tells who that is in
 * `request.jwtPayload`, `userId`, `userType` and `auth`. Everybody else gets 401 with the guide's bodies. Needs no
 * cookie parser. Register it for all routes of a scope, also those that are not found, or put it on one route as
 * `onRequest` or `preHandler`. Throws TypeError where an option is not as it should be.
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
 * Lets through who holds the role in the system, by the token. Everybody else gets 403. A hook for a route or a scope,
 * behind `requireAuth`. Throws TypeError where the system or the role is no name.
 */
export const requireRole = (system: string, role: string): Hook => {
  const gate = createRoleGate(system, role);
  return async (request, reply) => {
    const refusal = gate(request.auth);
    return refusal === null ? undefined : refuse(reply, refusal);
  };
};
