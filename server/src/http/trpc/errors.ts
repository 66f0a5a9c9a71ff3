import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { codeOfReason, httpStatusOfCode, type Reason, requestIdHeader } from '@auth-bff/shared';
import { getTRPCErrorShape, transformTRPCResponse } from '@trpc/server';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import { appRouter } from '../../api/router.ts';
import { toTRPCError } from '../../api/trpc.ts';

const config = appRouter._def._config;

/** An error as the tRPC client reads it, for those that arise before tRPC is reached. */
const toBody = (error: AppError): string => {
  const shape = getTRPCErrorShape({
    config,
    error: toTRPCError(error),
    type: 'unknown',
    path: undefined,
    input: undefined,
    ctx: undefined,
  });
  return JSON.stringify(transformTRPCResponse(config, { error: shape }));
};

const statusOf = (error: AppError): number => httpStatusOfCode[codeOfReason[error.reason]];

const reasonOfStatus: Partial<Record<number, Reason>> = {
  400: 'invalid_input',
  404: 'no_such_procedure',
  405: 'method_not_allowed',
  413: 'payload_too_large',
  414: 'payload_too_large',
  415: 'unsupported_media_type',
  429: 'rate_limited',
  431: 'payload_too_large',
  503: 'overloaded',
};

/** Fastify's own errors by their status; what has none is a fault of ours, and its message stays here. */
const toAppError = (error: FastifyError | AppError): AppError => {
  if (error instanceof AppError) return error;
  const reason = reasonOfStatus[error.statusCode ?? 500] ?? 'internal';
  if (reason === 'internal') return new AppError(reason, { cause: error });
  if (reason !== 'invalid_input') return new AppError(reason, { cause: error });
  if ('code' in error && error.code === 'FST_ERR_BAD_URL') {
    const issue = { path: 'path', message: 'Expected percent-encoded UTF-8' };
    return new AppError(reason, {
      cause: error,
      message: 'The address is not valid: path: Expected percent-encoded UTF-8',
      issues: [issue],
    });
  }
  return new AppError(reason, { cause: error, message: 'The request is malformed.', issues: [] });
};

export type TrpcErrorsOptions = { onError: (error: AppError, request: FastifyRequest) => void };

/** Shapes every error that tRPC did not make as tRPC would have, with the reason in `data`. */
export const registerTrpcErrors = (server: FastifyInstance, { onError }: TrpcErrorsOptions): void => {
  server.setErrorHandler<FastifyError>(async (cause, request, reply) => {
    const error = toAppError(cause);
    onError(error, request);
    if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
    return reply.code(statusOf(error)).type('application/json').header('cache-control', 'no-store').send(toBody(error));
  });
  server.setNotFoundHandler(async (request, reply) => {
    const error = new AppError('no_such_procedure', { message: `There is nothing at ${request.method} of this path.` });
    onError(error, request);
    return reply.code(statusOf(error)).type('application/json').header('cache-control', 'no-store').send(toBody(error));
  });
};

/** Answers what Fastify could not route, such as a path that is not well encoded: no hook has seen it. Tells what it answered. */
export const answerFrameworkError = (cause: FastifyError, request: FastifyRequest, reply: FastifyReply): AppError => {
  const error = toAppError(cause);
  reply.code(statusOf(error)).type('application/json').header('cache-control', 'no-store');
  reply.header(requestIdHeader, request.id).send(toBody(error));
  return error;
};

/** What Node could not read, by Node's own codes. */
const clientErrorToAppError = ({ code }: NodeJS.ErrnoException): AppError => {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new AppError('payload_too_large', { message: 'The request line and headers are too large.' });
  }
  const message =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? 'The request took too long to arrive.'
      : 'The request is not HTTP that can be read.';
  return new AppError('invalid_input', { message, issues: [] });
};

/** How long whoever was refused may take to read why. */
const lingerMs = 2_000;

/** Answers what is not even an HTTP request that Node can read, which no handler ever sees. Tells what it answered, if anything. */
export const answerClientError = (
  cause: NodeJS.ErrnoException,
  socket: Socket & { _httpMessage?: ServerResponse | null },
  headers: Record<string, string>,
): AppError | null => {
  // Inside an answer that has begun, another would be read as a part of it.
  const isAnswered = socket._httpMessage?.headersSent === true;
  if (cause.code === 'ECONNRESET' || !socket.writable || isAnswered) {
    socket.destroy();
    return null;
  }
  const error = clientErrorToAppError(cause);
  const body = toBody(error);
  const head = [
    `HTTP/1.1 ${statusOf(error)} ${codeOfReason[error.reason]}`,
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
    'cache-control: no-store',
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  // Whoever does not hang up in turn would keep half a connection.
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  return error;
};
