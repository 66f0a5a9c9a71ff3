import { AppError } from '../errors.ts';
import { admit, admitPerson, isPublic, observe } from './middlewares.ts';
import { t } from './trpc.ts';

/** For everyone whom the policy admits, signed in or not. */
export const publicProcedure = t.procedure.use(observe).use(async ({ ctx, path, next }) => {
  if (!isPublic(path)) await admitPerson(ctx, path);
  return next();
});

/** For signed-in persons: `ctx.person`. */
export const signedInProcedure = t.procedure.use(observe).use(admit);

/** Sets the session's cookies, so it must be the only call in its request: a response can set each cookie only once. */
export const sessionMutation = publicProcedure.use(async ({ ctx, next }) => {
  if (ctx.request.callsInRequest > 1) {
    throw new AppError('invalid_input', {
      message: 'A session mutation cannot be batched with other calls: send it in a request of its own.',
      issues: [],
    });
  }
  if (ctx.request.isStreamed) {
    throw new AppError('invalid_input', {
      message:
        'A session mutation sets cookies, which a streamed response cannot: send it with httpLink or httpBatchLink.',
      issues: [],
    });
  }
  return next();
});
