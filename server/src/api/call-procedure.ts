import { type AnyTRPCProcedure, TRPCError } from '@trpc/server';
import type { z } from 'zod';
import { isSync } from '../platform/maybe-promise.ts';
import type { Context } from './context.ts';
import { definitionOf, isPermissionChecked, middlewareOf } from './procedure-definition.ts';
import { admit, admitPerson, checkPermission, observe, reasonOf, refuseUnstorable, sliceToWrite } from './trpc.ts';

/** What tRPC hands a procedure, of which its types do not tell all. */
type CallOptions = Parameters<AnyTRPCProcedure>[0] & { ctx: Context };

const [observing, admitting] = [middlewareOf(observe), middlewareOf(admit)];

/** Whether a procedure is `signedInProcedure.input(…).output(…)`, perhaps with `permitted`, and nothing more. */
export const isUsual = (procedure: AnyTRPCProcedure): boolean => {
  const { inputs, output, middlewares } = definitionOf(procedure);
  // The others are those that tRPC makes of the input, the output and the resolver.
  const usual = isPermissionChecked(procedure) ? 6 : 5;
  return (
    inputs.length === 1 &&
    output !== undefined &&
    middlewares.length === usual &&
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

const createUsualCall = (procedure: AnyTRPCProcedure) => {
  const {
    inputs: [inputSchema],
    output: outputSchema,
    resolver,
  } = definitionOf(procedure);
  if (inputSchema === undefined || outputSchema === undefined) throw new Error('Not a usual procedure.');
  const hasPermission = isPermissionChecked(procedure);

  return async (options: CallOptions): Promise<unknown> => {
    const { ctx, path, getRawInput } = options;
    const { request } = ctx;
    const startedAtMs = request.monotonicNow();
    try {
      await refuseUnstorable(getRawInput);
      // What is known at once is not waited for: most is, and a page asks for much.
      const admitted = admitPerson(ctx, path);
      const person = isSync(admitted) ? admitted : await admitted;
      const input = parseInput(inputSchema, await getRawInput());
      if (hasPermission) await checkPermission(path, person, input);
      const answer = resolver({ ...options, ctx: { request, person }, input });
      const data = outputSchema.parse(answer instanceof Promise ? await answer : answer);
      const turn = sliceToWrite(data, person);
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

/** How to call each procedure, found out once. */
const calls = new WeakMap<object, Call>();

/**
 * Calls a procedure as tRPC does, with the same result. A middleware of tRPC's costs a call as much as everything that is
 * done in it here, so that the usual kind of procedure is called without them, step by step in one function.
 */
export const callProcedure = (procedure: AnyTRPCProcedure, options: CallOptions): Promise<unknown> => {
  let call = calls.get(procedure);
  if (call === undefined) {
    call = isUsual(procedure) ? createUsualCall(procedure) : (procedure as unknown as Call);
    calls.set(procedure, call);
  }
  return call(options);
};
