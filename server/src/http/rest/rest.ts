import { restPath } from '@auth-bff/shared';
import type { FastifyInstance, HTTPMethods } from 'fastify';
import { type RestProcedure, restProcedures } from '../../api/rest/rest-procedures.ts';
import { AppError } from '../../errors.ts';
import { registerRestErrors, type RestErrorsOptions } from './rest-errors.ts';
import { createRestHandler, type RestHandlerOptions } from './rest-handler.ts';
import { refuseOtherMethods } from './refuse-other-methods.ts';
import { namedPlugin } from '../named-plugin.ts';

export type RestOptions = RestHandlerOptions & {
  /** Called for each request that fails before it reaches a procedure. */
  onRejected: RestErrorsOptions['onError'];
};

/** `/users/{id}` as Fastify writes it: `/users/:id`. */
const toPattern = (path: string): string => path.replaceAll(/\{(\w+)\}/g, ':$1');

/** Whether a procedure serves a path, too, because a parameter of its own path accepts the segment: a role may have any name. */
const alsoServes = ({ route, fromPath }: RestProcedure, path: string): boolean => {
  const [segments, patterns] = [path.split('/'), route.path.split('/')];
  const accepts = (pattern: string, segment: string) =>
    pattern === segment ||
    fromPath.some(({ name, schema }) => pattern === `{${name}}` && schema.safeParse(segment).success);
  return (
    patterns.length === segments.length && patterns.every((pattern, index) => accepts(pattern, segments[index] ?? ''))
  );
};

/** The methods of each path, in the order of the table. Fastify serves HEAD where there is a GET. */
const methodsByPath = (procedures: readonly RestProcedure[]): Map<string, HTTPMethods[]> => {
  const toMethods = ({ route: { method } }: RestProcedure): HTTPMethods[] =>
    method === 'GET' ? ['GET', 'HEAD'] : [method];
  return new Map(
    procedures.map(({ route: { path } }) => [
      path,
      procedures.filter((rest) => alsoServes(rest, path)).flatMap(toMethods),
    ]),
  );
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
      const { method, path } = rest.route;
      scope.route({ method, url: toPattern(path), handler: createRestHandler(rest, options) });
    }
    for (const [path, methods] of methodsByPath(procedures)) {
      refuseOtherMethods(scope, toPattern(path), methods);
    }
    // A route, so that the rate limit counts these requests, too.
    scope.all('/*', {
      preParsing: () => {
        throw new AppError('no_such_procedure');
      },
      handler: () => {},
    });
    // For `/bff/api` itself, and for methods that Fastify does not route.
    scope.setNotFoundHandler(() => {
      throw new AppError('no_such_procedure');
    });
  };
  await server.register(namedPlugin('rest', serve), { prefix: restPath });
};
