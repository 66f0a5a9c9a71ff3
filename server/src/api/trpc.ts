import type { ErrorData } from '@auth-bff/shared';
import { initTRPC } from '@trpc/server';
import { TRPC_ERROR_CODES_BY_KEY } from '@trpc/server/rpc';
import { deserialize, serialize } from 'superjson';
import { defaultLiveLimits, reconnectAfterInactivityMs } from '../live/live-limits.ts';
import type { AppError } from '../errors.ts';
import type { Context } from './context.ts';
import { toAppError, toErrorData } from './error-mapping.ts';
import { readInput } from './input-transformer.ts';
import { writeOutput } from './output-transformer.ts';

/** Called only in development: formatting a stack takes as long as a call. */
const stackOf = (error: AppError): { stack?: string } => {
  const { stack } = error.cause instanceof Error ? error.cause : error;
  return stack === undefined ? {} : { stack };
};

export const t = initTRPC.context<Context>().create({
  transformer: { input: { serialize, deserialize: readInput }, output: { serialize: writeOutput, deserialize } },
  // The error formatter decides per request: the configuration is not known when this module is loaded.
  isDev: false,
  sse: {
    ping: { enabled: true, intervalMs: defaultLiveLimits.pingMs },
    client: { reconnectAfterInactivityMs },
  },
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

export const { router } = t;
