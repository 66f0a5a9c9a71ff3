import type { FastifyInstance, HTTPMethods } from 'fastify';
import { AppError } from '../../errors.ts';

/** Answers all methods of a path but these with 405 and `Allow`: after the rate limit, and before the body is read. */
export const refuseOtherMethods = (scope: FastifyInstance, url: string, methods: readonly HTTPMethods[]): void => {
  scope.route({
    method: scope.supportedMethods.filter((method) => !methods.includes(method)),
    url,
    preParsing: (_request, reply) => {
      reply.header('allow', methods.join(', '));
      throw new AppError('method_not_allowed');
    },
    handler: () => {},
  });
};
