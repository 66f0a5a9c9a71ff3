import { CurrentSession, LoginAnswer, LoginInput, Session, SignedIn, VerifyOtpInput } from '@auth-bff/shared';
import { z } from 'zod';
import { publicProcedure, sessionMutation, signedInProcedure } from '../procedures.ts';
import { router } from '../trpc.ts';

/** Signing in, staying signed in, signing out. */
export const sessionRouter = router({
  /** Who is signed in, if anybody. Not an error for a visitor without a session. */
  current: publicProcedure.output(CurrentSession).query(({ ctx }) => ctx.request.commands.describe()),

  /** Who is signed in, and until when. */
  me: signedInProcedure.output(Session).query(({ ctx }) => ctx.person.me()),

  /** Signs in as staff, or as an employee with `as`. With a second factor the answer is a challenge for `verifyOtp`. */
  login: sessionMutation
    .input(LoginInput)
    .output(LoginAnswer)
    .mutation(({ ctx, input }) => ctx.request.commands.signIn(input)),

  /** The second factor: the challenge that `login` answered, and the code that the person was sent. */
  verifyOtp: sessionMutation
    .input(VerifyOtpInput)
    .output(SignedIn)
    .mutation(({ ctx, input }) => ctx.request.commands.verifyOtp(input)),

  /** Exchanges the refresh token for a new session. The client package calls this by itself. */
  refresh: sessionMutation.output(Session).mutation(({ ctx }) => ctx.request.commands.refresh()),

  /** Signs out, and clears the cookies whatever the Auth Service does. */
  logout: sessionMutation.output(z.null()).mutation(({ ctx }) => ctx.request.commands.signOut()),

  /** Whether the Auth Service accepts the session, too. */
  validate: publicProcedure
    .output(z.object({ valid: z.boolean() }))
    .query(async ({ ctx }) => ({ valid: await ctx.request.commands.validate() })),
});
