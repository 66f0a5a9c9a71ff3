import {
  codeOfReason,
  type ErrorData,
  httpStatusOfCode,
  notSuperjsonMessage,
  type Reason,
  reasonOfTrpcCode,
  safePath,
  type Session,
} from '@auth-bff/shared';
import { initTRPC, TRPCError } from '@trpc/server';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import superjson from 'superjson';
import { type ProcedureRule, rules } from './procedure-rules.ts';
import { isTestError, type TestError, testError } from './test-error.ts';

/** One request to the test BFF. */
export type TestContext = {
  callCount: number;
  isStreaming: boolean;
  /** The session that the response describes in its headers. Null: none. */
  session: Session | null;
  /** Seconds for `Retry-After`. */
  retryAfterSeconds: number | null;
  /** Whether a call fails without a response. */
  isCutOff: boolean;
};

const fromTrpc = ({ code, message, cause }: TRPCError): TestError => {
  const reason = reasonOfTrpcCode[code] ?? 'internal';
  if (reason === 'internal' || reason === 'no_such_procedure') return testError(reason);
  const isParseError = reason === 'invalid_input' && cause !== undefined;
  return testError(reason, { message: isParseError ? notSuperjsonMessage : message });
};

const toTestError = (error: TRPCError): TestError => (isTestError(error.cause) ? error.cause : fromTrpc(error));

const isSent = (reason: TestError['reason']): reason is Reason => reason !== 'network';

/** The error in tRPC's shape, with the BFF's `data`. */
export const toErrorShape = (error: TestError, path?: string) => {
  const { message, retryAfterSeconds, issues } = error;
  const reason = isSent(error.reason) ? error.reason : 'internal';
  const code = codeOfReason[reason];
  const data: ErrorData = {
    code,
    httpStatus: httpStatusOfCode[code],
    reason,
    ...(path === undefined ? {} : { path: safePath(path) }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    ...(issues === undefined ? {} : { issues: [...issues] }),
  };
  return { message, code: TRPC_ERROR_CODES_BY_KEY[code], data };
};

const toTRPCError = (error: TestError): TRPCError =>
  new TRPCError({
    code: isSent(error.reason) ? codeOfReason[error.reason] : 'INTERNAL_SERVER_ERROR',
    message: error.message,
    cause: error,
  });

export type Run = (path: string, readInput: () => Promise<unknown>, ctx: TestContext) => Promise<unknown>;

/** tRPC's own router with all procedures of the BFF, each of which is answered by `run`. */
export const createTestRouter = (run: Run) => {
  const t = initTRPC.context<TestContext>().create({
    transformer: superjson,
    isDev: false,
    // jsdom and a Storybook in a browser have a window.
    allowOutsideOfServer: true,
    errorFormatter: ({ error, path, ctx }) => {
      const failure = toTestError(error);
      if (ctx && failure.retryAfterSeconds !== undefined) {
        ctx.retryAfterSeconds = Math.max(ctx.retryAfterSeconds ?? 0, failure.retryAfterSeconds);
      }
      if (ctx && failure.reason === 'network') ctx.isCutOff = true;
      return toErrorShape(failure, path);
    },
  });

  const answer = t.procedure.use(async ({ ctx, path, getRawInput, next }) => {
    try {
      return await next({ ctx: { answer: await run(path, getRawInput, ctx) } });
    } catch (error) {
      throw isTestError(error) ? toTRPCError(error) : error;
    }
  });
  const query = answer.query(({ ctx }) => ctx.answer);
  const mutation = answer.mutation(({ ctx }) => ctx.answer);
  const toProcedure = ({ type }: ProcedureRule) => (type === 'mutation' ? mutation : query);

  const groups: Record<string, Record<string, typeof query | typeof mutation>> = {};
  for (const [path, rule] of rules) {
    const [group = '', name = ''] = path.split('.');
    // An event stream does not pass through `fetch`: to this BFF a subscription is a missing procedure.
    if (rule.type !== 'subscription') groups[group] = { ...groups[group], [name]: toProcedure(rule) };
  }
  return t.router(Object.fromEntries(Object.entries(groups).map(([name, group]) => [name, t.router(group)])));
};
