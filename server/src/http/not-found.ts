import { restPath } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';
import { sendProblem } from './rest/problem.ts';
import { isRestUrl } from './rest/rest-errors.ts';
import { sendNoRoute } from './trpc/errors.ts';

export type NotFoundOptions = { onError: (error: AppError, request: FastifyRequest) => void };

const sendNoPath = (request: FastifyRequest, reply: FastifyReply): AppError => {
  const error = new AppError('no_such_procedure');
  sendProblem(request, reply, error);
  return error;
};

/** Whether a request is for REST: below its path, or for the path itself. */
const isForRest = (url: string): boolean => isRestUrl(url) || url.split('?', 1)[0] === restPath;

/**
 * Answers requests that no route matches in the format of their callers. One handler for all paths: Fastify registers a
 * handler of a path for every method of Node, which made the start slower.
 */
export const registerNotFound = (server: FastifyInstance, { onError }: NotFoundOptions): void => {
  server.setNotFoundHandler(async (request, reply) => {
    const send = isForRest(request.url) ? sendNoPath : sendNoRoute;
    onError(send(request, reply), request);
    return reply;
  });
};
