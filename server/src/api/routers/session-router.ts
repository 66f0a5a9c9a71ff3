import {
  CurrentSession,
  LoginAnswer,
  LoginInput,
  ResendOtpAnswer,
  ResendOtpInput,
  Session,
  SessionEndEvent,
  SignedIn,
  VerifyOtpInput,
} from '@auth-bff/shared';
import { z } from 'zod';
import { noEvents } from '../../live/no-events.ts';
import { publicProcedure, sessionMutation, signedInProcedure } from '../procedures.ts';
import { router } from '../trpc.ts';

/** Signing in, staying signed in, signing out. */
export const sessionRouter = router({
  /** The state of the session. Not an error for a visitor without a session: the state is `signed_out`. */
  current: publicProcedure.output(CurrentSession).query(({ ctx }) => ctx.request.commands().describe()),

  /** The session of the caller: the person, and when the access token expires. */
  me: signedInProcedure.output(Session).query(({ ctx }) => ctx.person.me()),

  /** Signs in as staff, or as an employee with `as`. If a second factor is required, the result is a challenge for `verifyOtp`. */
  login: sessionMutation
    .input(LoginInput)
    .output(LoginAnswer)
    .mutation(({ ctx, input }) => ctx.request.commands().signIn(input)),

  /** Completes a sign-in with the challenge from `login` and the code that the person received. */
  verifyOtp: sessionMutation
    .input(VerifyOtpInput)
    .output(SignedIn)
    .mutation(({ ctx, input }) => ctx.request.commands().verifyOtp(input)),

  /** Has a new code sent for the challenge from `login`. The challenge in the answer replaces it, and the old code is invalid. */
  resendOtp: sessionMutation
    .input(ResendOtpInput)
    .output(ResendOtpAnswer)
    .mutation(({ ctx, input }) => ctx.request.commands().resendOtp(input)),

  /** Exchanges the refresh token for a new session. The client package calls this automatically. */
  refresh: sessionMutation.output(Session).mutation(({ ctx }) => ctx.request.commands().refresh()),

  /** Signs out. Clears the cookies even if the Auth Service fails. */
  logout: sessionMutation.output(z.null()).mutation(({ ctx }) => ctx.request.commands().signOut()),

  /** Ends all sessions of the caller, in all browsers, including this one. */
  logoutEverywhere: sessionMutation.output(z.null()).mutation(({ ctx }) => ctx.request.commands().signOutEverywhere()),

  /** Whether the Auth Service accepts the session. */
  validate: publicProcedure
    .output(z.object({ valid: z.boolean() }))
    .query(async ({ ctx }) => ({ valid: await ctx.request.commands().validate() })),

  /** One event when this session is signed out, in any browser and at any replica, or its person is found inactive. */
  onEnd: signedInProcedure.subscription(({ ctx: { request, person }, signal }) =>
    request.openStream({
      owner: person,
      signal,
      events: noEvents<SessionEndEvent>,
      onSessionEnd: (end) => SessionEndEvent.parse(end),
    }),
  ),
});
