import type {
  ChangePasswordInput,
  Profile,
  RequestPasswordResetInput,
  ResetPasswordInput,
  SecondFactorInput,
  UpdateProfileInput,
} from '@auth-bff/shared';
import type { AuthServiceClient } from '../auth-service/client.ts';
import type { Caller, RequestMeta } from '../auth-service/caller.ts';
import type { Directory } from '../directory/directory.ts';
import type { Audit } from '../platform/audit.ts';
import type { AccountLimiter } from '../rate-limit/account-limiter.ts';
import type { ResetMails } from './reset-mails.ts';

export type AccountOptions = {
  authService: AuthServiceClient;
  directory: Pick<Directory, 'forget'>;
  limiter: AccountLimiter;
  resetMails: Pick<ResetMails, 'request'>;
  audit: Audit;
};

/** What people manage about their own account: profile, password, second factor. */
export const createAccount = ({ authService, directory, limiter, resetMails, audit }: AccountOptions) => ({
  profile: (caller: Caller): Promise<Profile> => authService.profile(caller),

  async updateProfile(changes: UpdateProfileInput, caller: Caller): Promise<Profile> {
    try {
      const profile = await authService.updateProfile(changes, caller);
      directory.forget(caller, profile);
      return profile;
    } catch (error) {
      // Without a response, the change may have been made.
      directory.forget(caller);
      throw error;
    }
  },

  async changePassword(
    { currentPassword, newPassword }: Pick<ChangePasswordInput, 'currentPassword' | 'newPassword'>,
    caller: Caller,
  ): Promise<void> {
    await limiter.password({ person: caller, path: 'currentPassword' }, () =>
      authService.changePassword({ currentPassword, newPassword }, caller),
    );
    audit.write({ audit: 'password_changed', person: caller }, caller);
  },

  requestPasswordReset: ({ as = 'staff', email }: RequestPasswordResetInput, cause: RequestMeta): Promise<void> =>
    resetMails.request({ as, email, ...cause }),

  resetPassword: ({ as = 'staff', token, newPassword }: ResetPasswordInput, cause: RequestMeta): Promise<void> =>
    limiter.resetPassword(cause, () => authService.resetPassword({ as, token, newPassword, ...cause })),

  /** `email` is that of the caller's token, or null. */
  async secondFactor(input: SecondFactorInput, { caller, email }: { caller: Caller; email: string | null }) {
    switch (input.action) {
      case 'enable':
        return limiter.password({ person: caller, path: 'password' }, () =>
          authService.enableSecondFactor(input.password, caller),
        );
      case 'requestCode':
        return limiter.requestCode(caller, () => authService.requestCode(caller));
      case 'disable': {
        const { password, code = null } = input;
        return limiter.passwordWithCode({ person: caller, email, hasCode: code !== null }, () =>
          authService.disableSecondFactor({ password, code }, caller),
        );
      }
    }
  },
});

export type Account = ReturnType<typeof createAccount>;
