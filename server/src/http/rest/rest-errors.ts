import { requestIdHeader, restPath } from '@auth-bff/shared';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { AppError } from '../../errors.ts';
import { fastifyErrorToAppError } from '../trpc/errors.ts';
import { sendProblem } from './problem.ts';

export type RestErrorsOptions = { onError: (error: AppError, request: FastifyRequest) => void };

/** Sends the errors of a scope as problems, including those of hooks that run before its handlers. */
export const registerRestErrors = (scope: FastifyInstance, { onError }: RestErrorsOptions): void => {
  scope.setErrorHandler<FastifyError>(async (cause, request, reply) => {
    const error = fastifyErrorToAppError(cause);
    onError(error, request);
    return sendProblem(request, reply, error);
  });
};

export const isRestUrl = (url: string): boolean => url.startsWith(`${restPath}/`);

/** Responds to a REST request that Fastify could not route, such as a path with invalid encoding. No hook runs for it. */
export const answerRestFrameworkError = (
  cause: FastifyError,
  request: FastifyRequest,
  reply: FastifyReply,
): AppError => {
  const error = fastifyErrorToAppError(cause);
  sendProblem(request, reply.header(requestIdHeader, request.id), error);
  return error;
};
