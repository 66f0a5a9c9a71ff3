import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../../api/context.ts';
import { appRouter } from '../../api/router.ts';
import type { AppError } from '../../errors.ts';

/** What the context needs to know about the calls of a request. */
export type RequestFacts = {
  callsInRequest: number;
  isStreamed: boolean;
  /** Whether the positions of a stream are sent. tRPC's adapter would send them as events. Default false. */
  sendsPositions?: boolean;
  /** The procedures called, each once. A name that is not one of ours is `unknown`. */
  procedures: string[];
};

export type TrpcOptions = {
  createContext: (request: FastifyRequest, reply: FastifyReply, facts: RequestFacts) => Context;
  onError: (error: AppError, request: FastifyRequest, procedure: string | undefined) => void;
  /** Called for each failure before a procedure was reached. `procedure` is `none` if the request could not be parsed. */
  onUnreached: (procedure: string, error: AppError, request: FastifyRequest) => void;
};

/** `unknown` for a name that is not one of ours: clients must not create labels and log fields. */
const toKnownName = (path: string): string => (Object.hasOwn(appRouter._def.procedures, path) ? path : 'unknown');

/** The names of the procedures called, each once. */
export const procedureNamesOf = (calls: ReadonlyArray<{ path: string }>): string[] => {
  const names: string[] = [];
  for (const { path } of calls) if (!names.includes(path)) names.push(path);
  return [...new Set(names.map(toKnownName))];
};

export type CallFailure = {
  error: AppError;
  /** Undefined: the request failed before its calls were parsed. */
  path: string | undefined;
  isProcedureFound: boolean;
};

/** Reports a failed call. */
export const reportFailure = (
  { onError, onUnreached }: Pick<TrpcOptions, 'onError' | 'onUnreached'>,
  request: FastifyRequest,
  { error, path, isProcedureFound }: CallFailure,
): void => {
  const procedure = path === undefined ? undefined : toKnownName(path);
  // A procedure that was reached has measured the call itself.
  const isReached = isProcedureFound && error.reason !== 'method_not_allowed';
  if (!isReached) onUnreached(procedure ?? 'none', error, request);
  onError(error, request, procedure);
};

/** The longest `Retry-After` of the failures, in whole seconds. Null: none has one. */
export const retryAfterOf = (errors: readonly AppError[]): number | null => {
  const seconds = errors.flatMap(({ retryAfterSeconds }) => retryAfterSeconds ?? []);
  return seconds.length === 0 ? null : Math.max(...seconds);
};
