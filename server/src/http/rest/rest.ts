import { restPath } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { restProcedures } from '../../api/rest/rest-procedures.ts';
import { AppError } from '../../errors.ts';
import { registerRestErrors, type RestErrorsOptions } from './rest-errors.ts';
import { createRestHandler, type RestHandlerOptions } from './rest-handler.ts';
import { refuseOtherMethods } from './refuse-other-methods.ts';
import { createRestPaths, methodsOf, toPattern } from './rest-paths.ts';
import { namedPlugin } from '../named-plugin.ts';

export type RestOptions = RestHandlerOptions & {
  /** Called for each request that fails before it reaches a procedure. */
  onRejected: RestErrorsOptions['onError'];
};

/** The path below `/bff/api`. Clients of proxies may write the whole address before it. */
const pathBelow = (url: string): string => {
  const [below = ''] = url.slice(url.indexOf(restPath) + restPath.length).split(/[?#]/, 1);
  return below;
};

/** Refuses what no route of REST serves: the method of a path, or the path. */
const createRefusal =
  (paths: ReturnType<typeof createRestPaths>) =>
  (request: FastifyRequest, reply: FastifyReply): never => {
    const known = paths.find(pathBelow(request.url));
    if (known === null) throw new AppError('no_such_procedure');
    request.routePattern = `${restPath}${known.pattern}`;
    reply.header('allow', known.methods.join(', '));
    throw new AppError('method_not_allowed');
  };

/** Serves `/bff/api`: the procedures of `rest-routes.ts` as plain JSON, with errors as `application/problem+json`. */
export const registerRest = async (server: FastifyInstance, options: RestOptions): Promise<void> => {
  const procedures = restProcedures();

  const serve = async (scope: FastifyInstance): Promise<void> => {
    registerRestErrors(scope, { onError: options.onRejected });
    // A hook, so that responses of other hooks have this header, too.
    scope.addHook('onSend', (_request, reply, payload, done) => {
      reply.header('cache-control', 'no-store');
      done(null, payload);
    });
    scope.removeAllContentTypeParsers();
    // The text: the handler parses it when it is its turn.
    scope.addContentTypeParser('application/json', { parseAs: 'string' }, (_request, body, done) => done(null, body));

    for (const rest of procedures) {
      // HEAD by the same route: one that Fastify adds is a route more.
      scope.route({
        method: methodsOf(rest),
        url: toPattern(rest.route.path),
        handler: createRestHandler(rest, options),
      });
    }
    const paths = createRestPaths(procedures);
    for (const { pattern, methods } of paths.shadowed()) refuseOtherMethods(scope, pattern, methods);
    // A route, so that the rate limit counts these requests, too. One for all paths: each further one makes the start slower.
    scope.all('/*', { preParsing: createRefusal(paths), handler: () => {} });
  };
  await server.register(namedPlugin('rest', serve), { prefix: restPath });
};
