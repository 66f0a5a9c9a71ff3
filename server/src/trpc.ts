import { codeOfReason, type ErrorData } from '@auth-bff/shared';
import { initTRPC, TRPCError } from '@trpc/server';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import superjson, { serialize } from 'superjson';
import type { z } from 'zod';
import type { Context } from './context.ts';
import { toAppError, toErrorData } from './error-data.ts';
import { AppError } from './errors.ts';
import { readInput } from './input-transformer.ts';
import { policy } from './policy.ts';

const t = initTRPC.context<Context>().create({
  transformer: { input: { serialize, deserialize: readInput }, output: superjson },
  // Decided per request below: what the environment says is not known when this module is loaded.
  isDev: false,
  errorFormatter: ({ error, path, ctx }) => {
    const appError = toAppError(error);
    const data: ErrorData = toErrorData(appError, path);
    const stack = (appError.cause instanceof Error ? appError.cause : appError).stack;
    return {
      message: appError.message,
      code: TRPC_ERROR_CODES_BY_KEY[data.code],
      data: ctx?.isDevelopment === true && stack !== undefined ? { ...data, stack } : data,
    };
  },
});

export const router = t.router;

export const toTRPCError = (error: AppError): TRPCError =>
  new TRPCError({ code: codeOfReason[error.reason], message: error.message, cause: error });

/** Services throw AppErrors and know nothing of tRPC, which would call each of them an internal error. */
const translateErrors = t.middleware(async ({ next }) => {
  const result = await next();
  if (!result.ok && result.error.cause instanceof AppError) throw toTRPCError(result.error.cause);
  return result;
});

/** Measures the call. What tRPC refuses before it is reached (no such procedure, a wrong method) is measured elsewhere. */
const observe = t.middleware(async ({ ctx, path, next }) => {
  const startedAtMs = ctx.clock();
  const result = await next();
  ctx.onCall(path, result.ok ? null : toAppError(result.error).reason, ctx.clock() - startedAtMs);
  return result;
});

const ruleOf = (path: string) => {
  const rule = policy[path];
  if (rule === undefined) throw new AppError('insufficient_permissions');
  return rule;
};

const signedInOrThrow = async (ctx: Context) => {
  const authentication = await ctx.session();
  if (authentication.state === 'refused') throw authentication.error;
  return authentication;
};

/** Who asks, before the input is looked at: the `who` of the policy's rule. */
const admit = t.middleware(async ({ ctx, path, next }) => {
  const { who } = ruleOf(path);
  if (who !== 'anyone') {
    const { principal } = await signedInOrThrow(ctx);
    if (who === 'staff' && principal.type !== 'staff') throw new AppError('insufficient_permissions');
  }
  return next();
});

/** For everybody whom the policy admits; `ctx` may speak for nobody. */
export const publicProcedure = t.procedure.use(observe).use(translateErrors).use(admit);

/** `ctx` speaks for the person signed in. */
export const signedInProcedure = publicProcedure.use(async ({ ctx, next }) =>
  next({ ctx: ctx.as(await signedInOrThrow(ctx)) }),
);

/** A signed-in call with an input, which the policy's rule looks at once it is known to be valid. */
export const signedInProcedureWith = <Input extends z.ZodType>(input: Input) =>
  signedInProcedure.input(input).use(async ({ ctx, path, input: checked, next }) => {
    const { permits } = ruleOf(path);
    const { principal, member } = ctx;
    if (permits !== undefined && !(await permits({ principal, member, input: checked }))) {
      throw new AppError('insufficient_permissions');
    }
    return next();
  });

/** Changes the session's cookies, and so stands alone: of several answers in one response, which cookies would count? */
export const sessionMutation = publicProcedure.use(async ({ ctx, next }) => {
  if (ctx.callsInRequest > 1) {
    throw new AppError('invalid_input', {
      message: 'A mutation of session stands alone: send it in a request of its own, not in a batch with others.',
      issues: [],
    });
  }
  if (ctx.isStreamed) {
    throw new AppError('invalid_input', {
      message:
        'A mutation of session sets cookies, which a streamed answer cannot: send it by httpLink or httpBatchLink.',
      issues: [],
    });
  }
  return next();
});
