import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { codeOfReason, httpStatusOfCode, type Reason, requestIdHeader } from '@auth-bff/shared';
import { getTRPCErrorShape, transformTRPCResponse } from '@trpc/server';
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import { appRouter } from '../../api/router.ts';
import { toTRPCError } from '../../api/error-mapping.ts';

const config = appRouter._def._config;

/** The error in tRPC's format, for requests that fail before they reach tRPC. */
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

export const statusOf = (error: Pick<AppError, 'reason'>): number => httpStatusOfCode[codeOfReason[error.reason]];

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

/** Fastify's errors, mapped by status. Any other error is a fault of the BFF, and its message is not shown. */
export const fastifyErrorToAppError = (error: FastifyError | AppError): AppError => {
  if (error instanceof AppError) return error;
  const reason = reasonOfStatus[error.statusCode ?? 500] ?? 'internal';
  if (reason !== 'invalid_input') return new AppError(reason, { cause: error });
  if ('code' in error && error.code === 'FST_ERR_BAD_URL') {
    const issue = { path: 'path', message: 'Expected percent-encoded UTF-8' };
    return new AppError(reason, {
      cause: error,
      message: 'The URL is not valid: path: Expected percent-encoded UTF-8',
      issues: [issue],
    });
  }
  return new AppError(reason, { cause: error, message: 'The request is malformed.', issues: [] });
};

/** Answers a request with an error in tRPC's format. */
export const sendTrpcError = (reply: FastifyReply, error: AppError): FastifyReply => {
  if (error.retryAfterSeconds !== undefined) reply.header('retry-after', error.retryAfterSeconds);
  return reply.code(statusOf(error)).type('application/json').header('cache-control', 'no-store').send(toBody(error));
};

export type TrpcErrorsOptions = { onError: (error: AppError, request: FastifyRequest) => void };

/** Sends errors that arise outside tRPC in tRPC's format, with the reason in `data`. */
export const registerTrpcErrors = (server: FastifyInstance, { onError }: TrpcErrorsOptions): void => {
  server.setErrorHandler<FastifyError>(async (cause, request, reply) => {
    const error = fastifyErrorToAppError(cause);
    onError(error, request);
    return sendTrpcError(reply, error);
  });
};

/** Responds to a request that Fastify could not route, such as a path with invalid encoding. No hook runs for it. */
export const answerFrameworkError = (cause: FastifyError, request: FastifyRequest, reply: FastifyReply): AppError => {
  const error = fastifyErrorToAppError(cause);
  sendTrpcError(reply.header(requestIdHeader, request.id), error);
  return error;
};

/** Node's parse errors, by code. */
const clientErrorToAppError = ({ code }: NodeJS.ErrnoException): AppError => {
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new AppError('payload_too_large', { message: 'The request line and headers are too large.' });
  }
  const message =
    code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'The request took too long to arrive.' : 'The request is not valid HTTP.';
  return new AppError('invalid_input', { message, issues: [] });
};

/** Milliseconds that a rejected client has to read the response. */
const lingerMs = 2_000;

/** Responds to bytes that Node cannot parse as an HTTP request; no handler runs for them. Null: no response was sent. */
export const answerClientError = (
  cause: NodeJS.ErrnoException,
  socket: Socket & { _httpMessage?: ServerResponse | null },
  headers: Record<string, string>,
): AppError | null => {
  // A response that has begun would swallow a second one.
  const hasBegun = socket._httpMessage?.headersSent === true;
  // A browser keeps spare connections. A response on one of them could be taken for that of its next request.
  const isSpare = cause.code === 'ERR_HTTP_REQUEST_TIMEOUT' && socket.bytesRead === 0;
  if (cause.code === 'ECONNRESET' || !socket.writable || hasBegun || isSpare) {
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
  // A client that does not close its side would keep the connection half open.
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
  return error;
};
