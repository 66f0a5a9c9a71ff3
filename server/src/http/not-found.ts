import { noRouteMessage, restPath } from '@auth-bff/shared';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import { sendProblem } from './rest/problem.ts';
import { isRestUrl } from './rest/rest-errors.ts';
import { sendTrpcError } from './trpc/errors.ts';

export type NotFoundOptions = { onError: (error: AppError, request: FastifyRequest) => void };

/** Whether a request is for REST: below its path, or for the path itself. */
const isForRest = (url: string): boolean => isRestUrl(url) || url.split('?', 1)[0] === restPath;

/**
 * Answers requests that no route matches in the format of their callers. One handler for all paths: Fastify registers a
 * handler of a path for every method of Node, which made the start slower.
 */
export const registerNotFound = (server: FastifyInstance, { onError }: NotFoundOptions): void => {
  server.setNotFoundHandler(async (request, reply) => {
    const isRest = isForRest(request.url);
    const error = isRest
      ? new AppError('no_such_procedure')
      : new AppError('no_such_procedure', { message: noRouteMessage(request.method) });
    onError(error, request);
    return isRest ? sendProblem(request, reply, error) : sendTrpcError(reply, error);
  });
};
