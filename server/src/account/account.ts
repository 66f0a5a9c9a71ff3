import type {
  ChangePasswordInput,
  Profile,
  RequestPasswordResetInput,
  ResetPasswordInput,
  SecondFactorInput,
  UpdateProfileInput,
} from '@auth-bff/shared';
import type { AuthServiceClient } from '../auth-service/client.ts';
import type { Caller, RequestMeta } from '../auth-service/transport.ts';
import type { Audit } from '../platform/audit.ts';

export type AccountOptions = {
  authService: AuthServiceClient;
  audit: Audit;
};

/** What people manage about their own account: profile, password, second factor. */
export const createAccount = ({ authService, audit }: AccountOptions) => ({
  profile: (caller: Caller): Promise<Profile> => authService.profile(caller),

  updateProfile: (changes: UpdateProfileInput, caller: Caller): Promise<Profile> =>
    authService.updateProfile(changes, caller),

  async changePassword(
    { currentPassword, newPassword }: Pick<ChangePasswordInput, 'currentPassword' | 'newPassword'>,
    caller: Caller,
  ): Promise<void> {
    await authService.changePassword({ currentPassword, newPassword }, caller);
    audit.write({ audit: 'password_changed', person: caller }, caller);
  },

  requestPasswordReset: ({ as = 'staff', email }: RequestPasswordResetInput, cause: RequestMeta): Promise<void> =>
    authService.requestPasswordReset({ as, email, ...cause }),

  resetPassword: ({ as = 'staff', token, newPassword }: ResetPasswordInput, cause: RequestMeta): Promise<void> =>
    authService.resetPassword({ as, token, newPassword, ...cause }),

  async secondFactor(input: SecondFactorInput, caller: Caller): Promise<void> {
    switch (input.action) {
      case 'enable':
        return authService.enableSecondFactor(input.password, caller);
      case 'requestCode':
        return authService.requestCode(caller);
      case 'disable':
        return authService.disableSecondFactor({ password: input.password, code: input.code ?? null }, caller);
    }
  },
});

export type Account = ReturnType<typeof createAccount>;
