import { codeOfReason, type ErrorData, type Reason } from '@auth-bff/shared';
import { getTRPCErrorFromUnknown, initTRPC, TRPCError } from '@trpc/server';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import { deserialize, serialize } from 'superjson';
import { personOf } from '../auth-service/transport.ts';
import { type MaybePromise, isSync } from '../platform/maybe-promise.ts';
import type { Context, Person } from './context.ts';
import { type ErrorShape, toAppError, toErrorData } from './error-data.ts';
import { AppError } from '../errors.ts';
import { readInput, unstorableInputError } from './input-transformer.ts';
import { countRecords, writeOutput } from './output-transformer.ts';
import { policy } from './policy.ts';
import type { Authentication } from '../session/request-session.ts';
import { recordsPerSlice, slices } from '../platform/cooperative-yield.ts';

/** Read where it is shown alone: to write a stack out as text takes as long as a call. */
const stackOf = (error: AppError): { stack?: string } => {
  const { stack } = error.cause instanceof Error ? error.cause : error;
  return stack === undefined ? {} : { stack };
};

const t = initTRPC.context<Context>().create({
  transformer: { input: { serialize, deserialize: readInput }, output: { serialize: writeOutput, deserialize } },
  // Decided per request below: what the environment says is not known when this module is loaded.
  isDev: false,
  errorFormatter: ({ error, path, ctx }): ErrorShape => {
    const appError = toAppError(error);
    const data: ErrorData = toErrorData(appError, path);
    return {
      message: appError.message,
      code: TRPC_ERROR_CODES_BY_KEY[data.code],
      data: ctx?.request.isDevelopment === true ? { ...data, ...stackOf(appError) } : data,
    };
  },
});

export const router = t.router;

export const toTRPCError = (error: AppError): TRPCError =>
  new TRPCError({ code: codeOfReason[error.reason], message: error.message, cause: error });

/** What was thrown, as an error of tRPC's. Its own function would write the stack of each out as text. */
export const thrownToTRPCError = (thrown: unknown): TRPCError =>
  thrown instanceof AppError ? toTRPCError(thrown) : getTRPCErrorFromUnknown(thrown);

/** What resolvers of signed-in procedures get. */
export type SignedInContext = Context & { person: Person };

const ruleOf = (path: string) => {
  const rule = policy[path];
  if (rule === undefined) throw new AppError('insufficient_permissions');
  return rule;
};

/** Who asks, before the input is looked at: the person signed in, whom the policy's rule admits by its `who`. */
export const admitPerson = ({ request }: Context, path: string): MaybePromise<Person> => {
  const { who } = ruleOf(path);
  const admit = (authentication: Authentication): Person => {
    if (authentication.state === 'refused') throw authentication.error;
    if (who === 'staff' && authentication.principal.type !== 'staff') throw new AppError('insufficient_permissions');
    return request.as(authentication);
  };
  const authentication = request.session();
  return isSync(authentication) ? admit(authentication) : authentication.then(admit);
};

export const reasonOf = (error: unknown): Reason =>
  (error instanceof AppError ? error : toAppError(getTRPCErrorFromUnknown(error))).reason;

type GetRawInput = () => Promise<unknown>;

/**
 * Throws `invalid_input` for text that no service can store, before anything else happens. An input that cannot be read
 * is left to the procedure: it may take none.
 */
export const refuseUnstorable = async (getRawInput: GetRawInput): Promise<void> => {
  let input: unknown;
  try {
    input = await getRawInput();
  } catch {
    return;
  }
  const error = unstorableInputError(input);
  if (error !== null) throw error;
};

/** Measures a call. What tRPC refuses before it is reached (no such procedure, a wrong method) is measured elsewhere. */
export const observe = t.middleware(async ({ ctx: { request }, path, getRawInput, next }) => {
  const startedAtMs = request.monotonicNow();
  const tell = (failure: Reason | null) => request.onCall(path, failure, request.monotonicNow() - startedAtMs);
  try {
    await refuseUnstorable(getRawInput);
  } catch (error) {
    tell(reasonOf(error));
    throw error;
  }
  const result = await next();
  tell(result.ok ? null : reasonOf(result.error));
  return result;
});

/**
 * An answer with many records is written as soon as its call ends, which takes longer than all before: each gets a slice of
 * the event loop of its own. Undefined: no wait is needed.
 */
export const sliceToWrite = (data: unknown, { principal }: Person): Promise<void> | undefined =>
  slices.takeAgain(Math.min(countRecords(data), recordsPerSlice), personOf(principal));

/** Admits the person signed in by the `who` of the policy's rule, before the input is looked at. */
export const admit = t.middleware(async ({ ctx, path, next }) => {
  const person = await admitPerson(ctx, path);
  const result = await next({ ctx: { person } });
  if (result.ok) await sliceToWrite(result.data, person);
  return result;
});

/** Throws `insufficient_permissions` unless the `permits` of the policy's rule allows this input. */
export const checkPermission = async (path: string, { principal, member }: Person, input: unknown): Promise<void> => {
  const { permits } = ruleOf(path);
  if (permits !== undefined && !(await permits({ principal, member, input }))) {
    throw new AppError('insufficient_permissions');
  }
};

/** Stands right behind `.input()` of each procedure whose rule has `permits`: without it the service does not start. */
export const permitted = t.middleware(async ({ ctx, path, input, next }) => {
  await checkPermission(path, (ctx as SignedInContext).person, input);
  return next();
});

/** For everybody whom the policy admits. */
export const publicProcedure = t.procedure.use(observe).use(async ({ ctx, path, next }) => {
  if (ruleOf(path).who !== 'anyone') await admitPerson(ctx, path);
  return next();
});

/** `ctx.person` is the person signed in. */
export const signedInProcedure = t.procedure.use(observe).use(admit);

/** Changes the session's cookies, and so stands alone: of several answers in one response, which cookies would count? */
export const sessionMutation = publicProcedure.use(async ({ ctx, next }) => {
  if (ctx.request.callsInRequest > 1) {
    throw new AppError('invalid_input', {
      message: 'A mutation of session stands alone: send it in a request of its own, not in a batch with others.',
      issues: [],
    });
  }
  if (ctx.request.isStreamed) {
    throw new AppError('invalid_input', {
      message:
        'A mutation of session sets cookies, which a streamed answer cannot: send it by httpLink or httpBatchLink.',
      issues: [],
    });
  }
  return next();
});
