import { codeOfReason, type ErrorData, type Reason } from '@auth-bff/shared';
import { type AnyTRPCProcedure, getTRPCErrorFromUnknown, initTRPC, TRPCError } from '@trpc/server';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import { deserialize, serialize } from 'superjson';
import type { z } from 'zod';
import { personOf } from './auth-service/transport.ts';
import { type Awaitable, isKnown } from './awaitable.ts';
import type { Context, Person } from './context.ts';
import { toAppError, toErrorData } from './error-data.ts';
import { AppError } from './errors.ts';
import { readInput, unstorableInputError } from './input-transformer.ts';
import { countRecords, writeOutput } from './output-transformer.ts';
import { policy } from './policy.ts';
import type { Authentication } from './session/request-session.ts';
import { recordsPerSlice, slices } from './slices.ts';

/** Read where it is shown alone: to write a stack out as text takes as long as a call. */
const stackOf = (error: AppError): { stack?: string } => {
  const { stack } = error.cause instanceof Error ? error.cause : error;
  return stack === undefined ? {} : { stack };
};

const t = initTRPC.context<Context>().create({
  transformer: { input: { serialize, deserialize: readInput }, output: { serialize: writeOutput, deserialize } },
  // Decided per request below: what the environment says is not known when this module is loaded.
  isDev: false,
  errorFormatter: ({ error, path, ctx }) => {
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

const ruleOf = (path: string) => {
  const rule = policy[path];
  if (rule === undefined) throw new AppError('insufficient_permissions');
  return rule;
};

/** Who asks, before the input is looked at: the person signed in, whom the policy's rule admits by its `who`. */
const admitPerson = ({ request }: Context, path: string): Awaitable<Person> => {
  const { who } = ruleOf(path);
  const admit = (authentication: Authentication): Person => {
    if (authentication.state === 'refused') throw authentication.error;
    if (who === 'staff' && authentication.principal.type !== 'staff') throw new AppError('insufficient_permissions');
    return request.as(authentication);
  };
  const authentication = request.session();
  return isKnown(authentication) ? admit(authentication) : authentication.then(admit);
};

const reasonOf = (error: unknown): Reason =>
  (error instanceof AppError ? error : toAppError(getTRPCErrorFromUnknown(error))).reason;

type GetRawInput = () => Promise<unknown>;

/**
 * Throws `invalid_input` for text that no service can store, before anything else happens. An input that cannot be read
 * is left to the procedure: it may take none.
 */
const refuseUnstorable = async (getRawInput: GetRawInput): Promise<void> => {
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
const observe = t.middleware(async ({ ctx: { request }, path, getRawInput, next }) => {
  const startedAtMs = request.clock();
  const tell = (failure: Reason | null) => request.onCall(path, failure, request.clock() - startedAtMs);
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

/** For everybody whom the policy admits. */
export const publicProcedure = t.procedure.use(observe).use(async ({ ctx, path, next }) => {
  if (ruleOf(path).who !== 'anyone') await admitPerson(ctx, path);
  return next();
});

/** `ctx.person` is the person signed in. */
export const signedInProcedure = t.procedure
  .use(observe)
  .use(async ({ ctx, path, next }) => next({ ctx: { person: await admitPerson(ctx, path) } }));

const parseInput = <Input extends z.ZodType>(schema: Input, raw: unknown): z.output<Input> => {
  const parsed = schema.safeParse(raw);
  if (!parsed.success) throw new TRPCError({ code: 'BAD_REQUEST', cause: parsed.error });
  return parsed.data;
};

const withSchemas = <Input extends z.ZodType, Output extends z.ZodType>(input: Input, output: Output) =>
  t.procedure.input(input).output(output);

/** What tRPC hands a procedure, and that its resolver, of which its types do not tell all. */
type CallOptions = Parameters<AnyTRPCProcedure>[0] & { ctx: Context };
type Resolver = (options: CallOptions) => Promise<unknown>;

/** The resolvers of the procedures that are nothing else. */
const resolvers = new WeakMap<object, Resolver>();

/** Calls a procedure. One that is a resolver alone is called as such, which is what tRPC would come to. */
export const callProcedure = (procedure: AnyTRPCProcedure, options: CallOptions): Promise<unknown> =>
  (resolvers.get(procedure) ?? procedure)(options);

/**
 * A signed-in call with an input, which the policy's rule looks at once it is known to be valid.
 *
 * To tRPC it is a resolver alone: what `.use`, `.input` and `.output` would do is done in it. A middleware of tRPC's
 * costs a call as much as everything that is done in it here, and these are the calls that pages make by the dozen.
 * The types are those that `.input` and `.output` give.
 */
export const signedInProcedureWith = <Input extends z.ZodType, Output extends z.ZodType>(
  inputSchema: Input,
  outputSchema: Output,
) => {
  type Answer = (asked: {
    request: Context['request'];
    asking: Person['asking'];
    input: z.output<Input>;
  }) => Awaitable<z.input<Output>>;
  type Builder = ReturnType<typeof withSchemas<Input, Output>>;

  const resolverOf =
    (answer: Answer): Resolver =>
    async ({ ctx, path, getRawInput }) => {
      const { request } = ctx;
      const startedAtMs = request.clock();
      try {
        await refuseUnstorable(getRawInput);
        // What is known at once is not waited for: most is, and a page asks for much.
        const admitted = admitPerson(ctx, path);
        const person = isKnown(admitted) ? admitted : await admitted;
        const input = parseInput(inputSchema, await getRawInput());
        const { permits } = ruleOf(path);
        const { principal, member, asking } = person;
        if (permits !== undefined && !(await permits({ principal, member, input }))) {
          throw new AppError('insufficient_permissions');
        }
        const answered = answer({ request, asking, input });
        const data = outputSchema.parse(isKnown(answered) ? answered : await answered);
        // The answer is written as soon as this ends, which takes longer than all before: each in a slice of its own.
        const turn = slices.takeAgain(Math.min(countRecords(data), recordsPerSlice), personOf(principal));
        if (turn !== undefined) await turn;
        request.onCall(path, null, request.clock() - startedAtMs);
        return data;
      } catch (error) {
        request.onCall(path, reasonOf(error), request.clock() - startedAtMs);
        throw error;
      }
    };
  const keep = (
    resolver: Resolver,
    toProcedure: (resolve: (options: object) => Promise<unknown>) => AnyTRPCProcedure,
  ) => {
    const procedure = toProcedure((options) => resolver(options as CallOptions));
    resolvers.set(procedure, resolver);
    return procedure;
  };
  return {
    query: (answer: Answer) =>
      keep(resolverOf(answer), (resolve) => t.procedure.query(resolve)) as ReturnType<Builder['query']>,
    mutation: (answer: Answer) =>
      keep(resolverOf(answer), (resolve) => t.procedure.mutation(resolve)) as ReturnType<Builder['mutation']>,
  };
};

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
