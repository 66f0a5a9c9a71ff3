import { TRPCClientError } from '@trpc/client';
import { errorData } from '../errors.ts';

/** Codes of failures that pass: the stream reconnects. */
const passing: ReadonlySet<unknown> = new Set([
  'SERVICE_UNAVAILABLE',
  'BAD_GATEWAY',
  'GATEWAY_TIMEOUT',
  'INTERNAL_SERVER_ERROR',
  'TOO_MANY_REQUESTS',
]);

/** Whether the stream reconnects. An error without a code did not come from a server: the connection failed. */
export const isPassing = ({ data }: TRPCClientError<never>): boolean => {
  const code = (data as { code?: unknown } | null | undefined)?.code;
  return code === undefined || passing.has(code);
};

/** The error of a connection that broke, or was refused: an `EventSource` does not report why. Its reason is `network`. */
export const lostError = (): TRPCClientError<never> =>
  new TRPCClientError<never>('The connection of the event stream was lost. The client reconnects.', {
    cause: new TypeError('network error'),
  });

/** A mistake in the frontend, which no attempt to connect can correct. */
export const setUpError = (message: string): TRPCClientError<never> =>
  TRPCClientError.from<never>(new Error(`Subscriptions need ${message}`));

export const retryAfterMs = (error: unknown): number => (errorData(error)?.retryAfterSeconds ?? 0) * 1000;
