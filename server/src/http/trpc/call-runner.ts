import { getTRPCErrorShape, TRPCError } from '@trpc/server';
import type { FastifyRequest } from 'fastify';
import { callProcedure } from '../../api/call-procedure.ts';
import type { Context } from '../../api/context.ts';
import { thrownToTRPCError, toAppError } from '../../api/error-mapping.ts';
import { appRouter } from '../../api/router.ts';
import type { AppError } from '../../errors.ts';
import type { MaybePromise } from '../../platform/maybe-promise.ts';
import { workSourceOf } from '../work-source.ts';
import { type CallResult, isLarge, toCallResult, toErrorResult, toLargeCallResult } from './call-result.ts';
import type { Call, Calls } from './calls.ts';
import { reportFailure, type TrpcOptions } from './options.ts';

const config = appRouter._def._config;
const methodOfType = { query: 'GET', mutation: 'POST', subscription: 'GET' } as const;

/** A request whose calls run. One object for all of its calls. */
export type RunningRequest = {
  request: FastifyRequest;
  ctx: Context;
  inputOf: Calls['inputOf'];
  /** Collects the failures of the calls. */
  errors: AppError[];
};

const toResult = (output: unknown, request: FastifyRequest): MaybePromise<CallResult> =>
  isLarge(output) ? toLargeCallResult(output, workSourceOf(request)) : toCallResult(output);

/** Runs one call of a request. Never fails because of the call: failures become error results. */
export const createCallRunner = (options: Pick<TrpcOptions, 'onError' | 'onUnreached'>) => {
  const start = (
    { request, ctx, inputOf }: RunningRequest,
    { path, procedure }: Call,
    batchIndex: number,
  ): MaybePromise<unknown> => {
    const type = procedure?._def.type ?? 'unknown';
    if (procedure === null || type === 'unknown') {
      throw new TRPCError({ code: 'NOT_FOUND', message: `No procedure found on path "${path}"` });
    }
    if (request.method !== methodOfType[type]) {
      const message = `Unsupported ${request.method}-request to ${type} procedure at path "${path}"`;
      throw new TRPCError({ code: 'METHOD_NOT_SUPPORTED', message });
    }
    return callProcedure(procedure, { path, type, ctx, batchIndex, readInput: inputOf });
  };
  const fail = (cause: unknown, { request, ctx, errors }: RunningRequest, { path, procedure }: Call): CallResult => {
    const type = procedure?._def.type ?? 'unknown';
    const error = thrownToTRPCError(cause);
    const appError = toAppError(error);
    errors.push(appError);
    reportFailure(options, request, { error: appError, path, isProcedureFound: type !== 'unknown' });
    return toErrorResult(getTRPCErrorShape({ config, error, type, path, input: undefined, ctx }));
  };

  return (running: RunningRequest, call: Call, batchIndex: number): MaybePromise<CallResult> => {
    // Written out: `attempt` takes three closures, which a batch would create for each of its calls.
    let output: unknown;
    try {
      output = start(running, call, batchIndex);
    } catch (error) {
      return fail(error, running, call);
    }
    if (!(output instanceof Promise)) return toResult(output, running.request);
    return output.then(
      (value) => toResult(value, running.request),
      (error: unknown) => fail(error, running, call),
    );
  };
};
