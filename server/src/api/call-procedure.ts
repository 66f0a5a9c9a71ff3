import { type AnyTRPCProcedure, TRPCError } from '@trpc/server';
import type { z } from 'zod';
import { AppError } from '../errors.ts';
import { isSync } from '../platform/maybe-promise.ts';
import type { Context } from './context.ts';
import { reasonOf } from './error-mapping.ts';
import { admit, admitPerson, isPermitted, observe, rejectUnstorable, yieldBeforeSerializing } from './middlewares.ts';
import { definitionOf, isPermissionChecked, middlewareOf } from './procedure-definition.ts';

/** The arguments of a procedure call. tRPC's types omit some of them. */
type CallOptions = Parameters<AnyTRPCProcedure>[0] & { ctx: Context };

const [observing, admitting] = [middlewareOf(observe), middlewareOf(admit)];

/** Whether a procedure is exactly `signedInProcedure.input(…).output(…)`, with or without `permitted`. */
export const hasFastPath = (procedure: AnyTRPCProcedure): boolean => {
  const { inputs, output, middlewares } = definitionOf(procedure);
  // tRPC adds three middlewares: for the input, the output and the resolver.
  const expected = isPermissionChecked(procedure) ? 6 : 5;
  return (
    inputs.length === 1 &&
    output !== undefined &&
    middlewares.length === expected &&
    middlewares[0] === observing &&
    middlewares[1] === admitting &&
    middlewares[2]?._type === 'input'
  );
};

const parseInput = (schema: z.ZodType, raw: unknown): unknown => {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw new TRPCError({ code: 'BAD_REQUEST', cause: parsed.error });
  return parsed.data;
};

const createFastPath = (procedure: AnyTRPCProcedure) => {
  const {
    inputs: [inputSchema],
    output: outputSchema,
    resolver,
  } = definitionOf(procedure);
  if (inputSchema === undefined || outputSchema === undefined) throw new Error('This procedure has no fast path.');
  const hasPermission = isPermissionChecked(procedure);

  return async (options: CallOptions): Promise<unknown> => {
    const { ctx, path, getRawInput } = options;
    const { request } = ctx;
    const startedAtMs = request.monotonicNow();
    try {
      await rejectUnstorable(getRawInput);
      // Values that are not promises are not awaited: most come from memory, and an await costs more than they do.
      const admitted = admitPerson(ctx, path);
      const person = isSync(admitted) ? admitted : await admitted;
      const input = parseInput(inputSchema, await getRawInput());
      const signedIn = { request, person };
      if (hasPermission && !(await isPermitted(signedIn, path, input))) {
        throw new AppError('insufficient_permissions');
      }
      const answer = resolver({ ...options, ctx: signedIn, input });
      const data = outputSchema.parse(answer instanceof Promise ? await answer : answer);
      const turn = yieldBeforeSerializing(data, person);
      if (turn !== undefined) await turn;
      request.onCall(path, null, request.monotonicNow() - startedAtMs);
      return data;
    } catch (error) {
      request.onCall(path, reasonOf(error), request.monotonicNow() - startedAtMs);
      throw error;
    }
  };
};

type Call = (options: CallOptions) => Promise<unknown>;

const calls = new WeakMap<object, Call>();

/**
 * Calls a procedure with the same result as tRPC. A tRPC middleware costs a call as much as all of the work in it, so
 * procedures of the usual form are called without middlewares, step by step in one function.
 */
export const callProcedure = (procedure: AnyTRPCProcedure, options: CallOptions): Promise<unknown> => {
  let call = calls.get(procedure);
  if (call === undefined) {
    call = hasFastPath(procedure) ? createFastPath(procedure) : (procedure as unknown as Call);
    calls.set(procedure, call);
  }
  return call(options);
};
