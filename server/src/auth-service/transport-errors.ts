import { errors } from 'undici';
import { AppError, type UpstreamFailure } from '../errors.ts';
import type { Endpoint } from './endpoints.ts';
import { contractError } from './response-errors.ts';

const unreachable =
  /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|EPROTO|UND_ERR_CONNECT_TIMEOUT)$|^ERR_TLS|CERT/;
const connectionClosed = /^(ECONNRESET|EPIPE|UND_ERR_SOCKET)$/;

/** The code of a network error. If several addresses were tried, an AggregateError holds one error per address. */
export const errorCodeOf = (cause: unknown): string => {
  const [first] = cause instanceof AggregateError ? (cause.errors as unknown[]) : [cause];
  return (first as NodeJS.ErrnoException | undefined)?.code ?? '';
};

const failureOf = (cause: unknown, hasHeaders: boolean): UpstreamFailure => {
  const code = errorCodeOf(cause);
  if (unreachable.test(code)) return 'unreachable';
  return connectionClosed.test(code) && !hasHeaders ? 'connection_closed' : 'no_response';
};

export type TransportErrorOptions = {
  endpoint: Endpoint;
  cause: unknown;
  /** The response headers had arrived before the failure. */
  hasHeaders: boolean;
  maxResponseBytes: number;
};

/** Maps a failed HTTP exchange to an AppError. The cause is kept for the log. */
export const toTransportError = (options: TransportErrorOptions): AppError => {
  const { endpoint, cause, hasHeaders, maxResponseBytes } = options;
  if (cause instanceof errors.ResponseExceededMaxSizeError) {
    return contractError(endpoint, `the response is larger than ${maxResponseBytes} bytes`, cause);
  }
  if (cause instanceof errors.HTTPParserError) return contractError(endpoint, 'the response is not HTTP', cause);
  return new AppError('auth_service_unavailable', {
    cause,
    retryAfterSeconds: 5,
    upstream: failureOf(cause, hasHeaders),
  });
};
