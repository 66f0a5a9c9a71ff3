import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../../api/context.ts';
import type { AppError } from '../../errors.ts';
import { appRouter } from '../../api/router.ts';

export type RequestFacts = {
  callsInRequest: number;
  isStreamed: boolean;
  /** Each procedure called, once; what is none of ours is `unknown`. */
  procedures: string[];
};

export type TrpcOptions = {
  createContext: (request: FastifyRequest, reply: FastifyReply, facts: RequestFacts) => Context;
  onError: (error: AppError, request: FastifyRequest, procedure: string | undefined) => void;
  /** Told of each failure that no procedure has seen; `none` where it is not even known which was called. */
  onUnreached: (procedure: string, error: AppError, request: FastifyRequest) => void;
};

/** A name that a client may have made up, as one of ours. */
const nameOf = (path: string): string => (Object.hasOwn(appRouter._def.procedures, path) ? path : 'unknown');

export const namesOf = (calls: ReadonlyArray<{ path: string }>): string[] => {
  const names: string[] = [];
  for (const { path } of calls) {
    const name = nameOf(path);
    if (!names.includes(name)) names.push(name);
  }
  return names;
};

/** Tells of a failed call. No `path`: the request failed before it was known what it calls. */
export const tellOf = (
  { onError, onUnreached }: Pick<TrpcOptions, 'onError' | 'onUnreached'>,
  request: FastifyRequest,
  { error, path, isProcedureFound }: { error: AppError; path: string | undefined; isProcedureFound: boolean },
): void => {
  // Of what reached a procedure its own middleware has told.
  const isUnreached = path === undefined || !isProcedureFound || error.reason === 'method_not_allowed';
  if (isUnreached) onUnreached(path === undefined ? 'none' : nameOf(path), error, request);
  onError(error, request, path === undefined ? undefined : nameOf(path));
};

/** Whole seconds to wait, where some of these failures say so: the longest counts. */
export const retryAfterOf = (errors: readonly AppError[]): number | null => {
  const waits = errors.flatMap(({ retryAfterSeconds }) => retryAfterSeconds ?? []);
  return waits.length === 0 ? null : Math.max(...waits);
};
