import type { Reason } from '@auth-bff/shared';
import { type AnyTRPCProcedure, TRPCError, type TRPCProcedureType } from '@trpc/server';
import type { z } from 'zod';
import { AppError } from '../errors.ts';
import { after, type MaybePromise } from '../platform/maybe-promise.ts';
import type { Context, Person } from './context.ts';
import { reasonOf } from './error-mapping.ts';
import {
  admit,
  admitPerson,
  isPermitted,
  observe,
  rejectUnstorable,
  type SignedInContext,
  yieldBeforeSerializing,
} from './middlewares.ts';
import { outputWriterOf } from './output-writers.ts';
import { definitionOf, isPermissionChecked, middlewareOf } from './procedure-definition.ts';

export type CallOptions = {
  path: string;
  type: TRPCProcedureType;
  ctx: Context;
  batchIndex: number;
  /** The input as the caller sent it, not yet checked. Throws a TRPCError if it cannot be parsed. */
  readInput: (batchIndex: number) => unknown;
};

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

/** An input that cannot be parsed is left to the procedure's own check, which comes after the caller's. */
const inputOrNone = ({ readInput, batchIndex }: CallOptions): unknown => {
  try {
    return readInput(batchIndex);
  } catch {
    return undefined;
  }
};

type Call = (options: CallOptions) => MaybePromise<unknown>;

const createFastPath = (procedure: AnyTRPCProcedure): Call => {
  const {
    inputs: [inputSchema],
    output: outputSchema,
    resolver,
  } = definitionOf(procedure);
  if (inputSchema === undefined || outputSchema === undefined) throw new Error('This procedure has no fast path.');
  const hasPermission = isPermissionChecked(procedure);
  const writer = outputWriterOf(outputSchema);

  const write = (_turn: void, answer: unknown): unknown => writer.write(answer);
  const writeInTurn = (answer: unknown, person: Person): MaybePromise<unknown> =>
    writer.known(answer) ?? after(yieldBeforeSerializing(answer, person), write, answer);
  const resolve = (ctx: SignedInContext, input: unknown): MaybePromise<unknown> =>
    after(resolver({ ctx, input }), writeInTurn, ctx.person);
  const resolveIfPermitted = (ctx: SignedInContext, path: string, input: unknown): MaybePromise<unknown> =>
    after(isPermitted(ctx, path, input), (isAllowed) => {
      if (!isAllowed) throw new AppError('insufficient_permissions');
      return resolve(ctx, input);
    });
  const runAs = (person: Person, { ctx, path, readInput, batchIndex }: CallOptions): MaybePromise<unknown> => {
    const input = parseInput(inputSchema, readInput(batchIndex));
    const signedIn = { request: ctx.request, person };
    return hasPermission ? resolveIfPermitted(signedIn, path, input) : resolve(signedIn, input);
  };
  const run = (options: CallOptions): MaybePromise<unknown> => {
    rejectUnstorable(inputOrNone(options));
    return after(admitPerson(options.ctx, options.path), runAs, options);
  };

  const report = ({ ctx: { request }, path }: CallOptions, startedAtMs: number, failure: Reason | null): void =>
    request.onCall(path, failure, request.monotonicNow() - startedAtMs);

  const reportOutcome = (output: Promise<unknown>, options: CallOptions, startedAtMs: number): Promise<unknown> =>
    output.then(
      (value) => {
        report(options, startedAtMs, null);
        return value;
      },
      (error: unknown) => {
        report(options, startedAtMs, reasonOf(error));
        throw error;
      },
    );

  // Written out: `attempt` takes three closures, which a batch would create for each of its calls.
  return (options) => {
    const startedAtMs = options.ctx.request.monotonicNow();
    let output: unknown;
    try {
      output = run(options);
    } catch (error) {
      report(options, startedAtMs, reasonOf(error));
      throw error;
    }
    if (output instanceof Promise) return reportOutcome(output, options, startedAtMs);
    report(options, startedAtMs, null);
    return output;
  };
};

const calls = new WeakMap<object, Call>();

const toCall = (procedure: AnyTRPCProcedure): Call =>
  hasFastPath(procedure)
    ? createFastPath(procedure)
    : ({ path, type, ctx, batchIndex, readInput }) => {
        const getRawInput = async () => readInput(batchIndex);
        return procedure({ path, type, ctx, batchIndex, getRawInput, signal: undefined }) as Promise<unknown>;
      };

/**
 * Calls a procedure with the same result as tRPC, or with its `OutputText` if it has one. Most values come from memory, so
 * it is synchronous if no I/O is needed. A tRPC middleware costs a call as much as all of the work in it, so procedures of
 * the usual form are called without middlewares, step by step in one function.
 */
export const callProcedure = (procedure: AnyTRPCProcedure, options: CallOptions): MaybePromise<unknown> => {
  let call = calls.get(procedure);
  if (call === undefined) {
    call = toCall(procedure);
    calls.set(procedure, call);
  }
  return call(options);
};
