import {
  ChangePasswordInput,
  Profile,
  RequestPasswordResetInput,
  ResetPasswordInput,
  SecondFactorInput,
  UpdateProfileInput,
} from '@auth-bff/shared';
import { z } from 'zod';
import { publicProcedure, signedInProcedure } from '../procedures.ts';
import { isOutcomeUnknown } from '../../auth-service/account/call-outcome.ts';
import { router } from '../trpc.ts';

/** What people manage about their own account. */
export const accountRouter = router({
  /** The profile of the caller, always from the Auth Service and never from a cache. */
  profile: signedInProcedure
    .output(Profile)
    .query(({ ctx: { request, person } }) => request.account.profile(person.caller)),

  /** Changes some fields of the caller's profile; all of them or none. Null clears a value. */
  updateProfile: signedInProcedure
    .input(UpdateProfileInput)
    .output(Profile)
    .mutation(({ ctx: { request, person }, input }) => request.account.updateProfile(input, person.caller)),

  /** Changes the password of the caller, and ends their other sessions unless `endOtherSessions` is false. */
  changePassword: signedInProcedure
    .input(ChangePasswordInput)
    .output(z.null())
    .mutation(async ({ ctx: { request, person }, input: { endOtherSessions = true, ...passwords } }) => {
      try {
        await request.account.changePassword(passwords, person.caller);
      } catch (error) {
        // Without a response, the password may have been changed.
        if (endOtherSessions && isOutcomeUnknown(error)) await request.commands().endOtherSessions();
        throw error;
      }
      if (endOtherSessions) await request.commands().endOtherSessions();
      return null;
    }),

  /** Has a mail with a link sent to this address, if a person has it. The answer does not say whether one has. */
  requestPasswordReset: publicProcedure
    .input(RequestPasswordResetInput)
    .output(z.null())
    .mutation(async ({ ctx: { request }, input }) => {
      await request.account.requestPasswordReset(input, request.cause);
      return null;
    }),

  /** Sets a new password with the token of the link in the mail. */
  resetPassword: publicProcedure
    .input(ResetPasswordInput)
    .output(z.null())
    .mutation(async ({ ctx: { request }, input }) => {
      await request.account.resetPassword(input, request.cause);
      return null;
    }),

  /** Enables the second factor, has a code sent, or disables the second factor with that code. */
  secondFactor: signedInProcedure
    .input(SecondFactorInput)
    .output(z.null())
    .mutation(async ({ ctx: { request, person }, input }) => {
      const email = person.kind === 'person' ? person.principal.email : null;
      await request.account.secondFactor(input, { caller: person.caller, email });
      return null;
    }),
});
