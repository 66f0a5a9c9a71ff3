import type { PersonType, Profile, UpdateProfileInput } from '@auth-bff/shared';
import { AppError, isAppError } from '../../errors.ts';
import { contractError, isCanonicalRedirect, isJson, isRedirect } from '../response-errors.ts';
import { type Caller, type RequestMeta, requestMetaOf } from '../caller.ts';
import type { Transport, UpstreamResponse } from '../transport.ts';
import { accountEndpoints } from './account-endpoints.ts';
import { type CallRules, createAccountRequests } from './account-requests.ts';
import { HostRefusedError } from './host-refused-error.ts';
import { notSupported } from './not-supported.ts';
import { toPictureUpload } from './picture-upload.ts';
import { toUpstreamChanges } from './profile-changes.ts';
import { fieldsNotPermitted, invalidField } from './refusal.ts';

export type AccountCallsOptions = {
  transport: Pick<Transport, 'request'>;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Default: addresses stay as the Auth Service writes them. */
  addresses?: AccountAddresses | undefined;
};

export type AccountAddresses = {
  /** AUTH_SERVICE_URL, without a trailing slash. */
  url: string;
  /** AUTH_SERVICE_PUBLIC_URL: how browsers reach the Auth Service, without a trailing slash. Pictures are on its host. */
  publicUrl: string;
  /** The `Host` of password-reset mails: the Auth Service builds their links from this header. */
  resetHost: string;
};

/** The fields to change, by our names. Null clears a value. */
export type ProfileChanges = UpdateProfileInput;

/** An image of a known type and size, read once. */
export type Picture = {
  contentType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp';
  /** Bytes. */
  size: number;
  body: AsyncIterable<Uint8Array>;
};

/** The calls with which people manage their own account. */
export type AccountCalls = {
  profile: (caller: Caller) => Promise<Profile>;
  /** Throws `invalid_input` and `insufficient_permissions` with `issues` that name our fields. */
  updateProfile: (changes: ProfileChanges, caller: Caller) => Promise<Profile>;
  /** Null removes the picture. Throws `invalid_input`. */
  setPicture: (picture: Picture | null, caller: Caller) => Promise<Profile>;
  /** Throws `invalid_input` with issues at `currentPassword` and `newPassword`. */
  changePassword: (passwords: { currentPassword: string; newPassword: string }, caller: Caller) => Promise<void>;
  /** Resolves for known and unknown addresses alike. */
  requestPasswordReset: (request: RequestMeta & { as: PersonType; email: string }) => Promise<void>;
  /** Throws `reset_link_invalid`, and `invalid_input` with an issue at `newPassword`. */
  resetPassword: (request: RequestMeta & { as: PersonType; token: string; newPassword: string }) => Promise<void>;
  /** Throws `invalid_input` with an issue at `password`. */
  enableSecondFactor: (password: string, caller: Caller) => Promise<void>;
  /** Has a code sent that `disableSecondFactor` needs. Throws `invalid_input` if no second factor is enabled. */
  requestCode: (caller: Caller) => Promise<void>;
  /** Throws `otp_invalid`, and `invalid_input` with an issue at `password` or `code`. */
  disableSecondFactor: (proof: { password: string; code: string | null }, caller: Caller) => Promise<void>;
  /** Has a new code sent during a sign-in; the old one becomes invalid. Throws `otp_expired`. */
  resendCode: (pending: RequestMeta & { as: PersonType; temporaryToken: string | null }) => Promise<void>;
};

/** Django answers 400 with a page to a `Host` that ALLOWED_HOSTS lacks; other servers answer 421. */
const isHostRefused = ({ status, contentType }: UpstreamResponse): boolean =>
  status === 421 || (status === 400 && contentType !== null && !isJson(contentType));

/**
 * Calls of the Auth Service with which people manage their own account. All throw `not_supported`, with the name of the
 * endpoint, if the Auth Service lacks it. Writes are never retried.
 */
export const createAccountCalls = ({ transport, now, addresses }: AccountCallsOptions): AccountCalls => {
  const { sendAs, commandAs, toRules, readSuccess, readProfile, patchProfile } = createAccountRequests({
    transport,
    now,
    addresses,
  });

  const changeStaffPassword = async (
    { currentPassword, newPassword }: { currentPassword: string; newPassword: string },
    caller: Caller,
  ): Promise<void> => {
    const passwords = { current_password: currentPassword, new_password: newPassword };
    try {
      // Both endpoints refuse common passwords and parts of the name. This one looks for breached passwords as well.
      const json = { ...passwords, new_password_confirm: newPassword };
      return await commandAs(caller, accountEndpoints.changePassword.staff, json, { defaultField: 'newPassword' });
    } catch (error) {
      if (!isAppError(error, 'not_supported')) throw error;
      await commandAs(caller, accountEndpoints.changePasswordOlder, passwords, { defaultField: 'newPassword' }).catch(
        (older: unknown) => {
          throw isAppError(older, 'not_supported') ? error : older;
        },
      );
    }
  };

  return {
    async profile(caller) {
      const endpoint = accountEndpoints.profile[caller.type];
      const response = await sendAs(caller, endpoint, {});
      return readProfile(endpoint, readSuccess(endpoint, response, toRules({}, null, { defaultField: null })), caller);
    },

    async updateProfile(changes, caller) {
      const { json, notPermitted } = toUpstreamChanges(changes, caller.type);
      if (notPermitted.length > 0) throw fieldsNotPermitted(notPermitted);
      const names = Object.keys(changes).filter((name) => changes[name as keyof ProfileChanges] !== undefined);
      const [only = null] = names.length === 1 ? names : [];
      const rules = toRules(json, caller.accessToken, { defaultField: only });
      return patchProfile(caller, accountEndpoints.updateProfile[caller.type], { json }, rules);
    },

    setPicture(picture, caller) {
      const endpoint = accountEndpoints.setPicture[caller.type];
      const rules = toRules({ profile_picture: null }, caller.accessToken, { defaultField: 'picture' });
      const request = picture === null ? { json: { profile_picture: null } } : { upload: toPictureUpload(picture) };
      return patchProfile(caller, endpoint, request, rules);
    },

    changePassword({ currentPassword, newPassword }, caller) {
      if (caller.type === 'staff') return changeStaffPassword({ currentPassword, newPassword }, caller);
      const json = { old_password: currentPassword, new_password: newPassword, confirm_password: newPassword };
      return commandAs(caller, accountEndpoints.changePassword.employee, json, { defaultField: 'newPassword' });
    },

    async requestPasswordReset({ as, email, ...meta }) {
      const endpoint = accountEndpoints.requestPasswordReset[as];
      const json = { email };
      const host = addresses?.resetHost;
      const response = await transport.request(endpoint, { json, host, ...requestMetaOf(meta) });
      if (host !== undefined && isHostRefused(response)) {
        const detail = `it refuses the host ${host} of the links in reset mails (status ${response.status}): add it to Django's ALLOWED_HOSTS`;
        throw new HostRefusedError('auth_service_contract', { message: contractError(endpoint, detail).message });
      }
      try {
        readSuccess(endpoint, response, toRules(json, null, { defaultField: 'email' }));
      } catch (error) {
        // The caller must not learn who has an account.
        if (!isAppError(error, 'user_not_found')) throw error;
      }
    },

    async resetPassword({ as, token, newPassword, ...meta }) {
      const endpoint = accountEndpoints.resetPassword[as];
      const json: Record<string, string> =
        as === 'staff'
          ? { token, password: newPassword, password_confirm: newPassword }
          : { token, new_password: newPassword, confirm_password: newPassword };
      const response = await transport.request(endpoint, { json, ...requestMetaOf(meta) });
      const rules = toRules(json, null, { passwordField: 'newPassword', defaultField: 'newPassword' });
      readSuccess(endpoint, response, rules);
    },

    enableSecondFactor: (password, caller) =>
      commandAs(
        caller,
        accountEndpoints.enableSecondFactor[caller.type],
        { password },
        { passwordField: 'password', defaultField: 'password' },
      ),

    async requestCode(caller) {
      if (caller.type === 'employee') {
        throw notSupported(accountEndpoints.requestCode, 'is for staff, and employees need no code');
      }
      await commandAs(caller, accountEndpoints.requestCode, {}, { defaultField: 'action' });
    },

    async disableSecondFactor({ password, code }, caller) {
      const rules: CallRules = { passwordField: 'password', defaultField: 'password' };
      const endpoint = accountEndpoints.disableSecondFactor[caller.type];
      if (caller.type === 'employee') return commandAs(caller, endpoint, { password }, rules);
      if (code === null) throw invalidField('code', 'Expected the code of the mail that requestCode sends.');
      await commandAs(caller, endpoint, { password, otp_code: code }, rules);
    },

    async resendCode({ as, temporaryToken, ...meta }) {
      const endpoint = accountEndpoints.requestCode;
      if (as === 'employee') throw notSupported(endpoint, 'is for staff, and employees have no such endpoint');
      if (temporaryToken === null) {
        throw notSupported(endpoint, 'needs a temporary token, and this Auth Service issued none');
      }
      // No `person`: the temporary token is not a session yet.
      const response = await transport.request(endpoint, {
        json: {},
        accessToken: temporaryToken,
        ...requestMetaOf(meta),
      });
      const { status } = response;
      const isLoginRedirect = isRedirect(status) && !isCanonicalRedirect(endpoint, response);
      // The page of a proxy says nothing about the sign-in.
      const isRefused = (status === 400 || status === 403) && isJson(response.contentType);
      if (isLoginRedirect || isRefused || status === 401) throw new AppError('otp_expired');
      readSuccess(endpoint, response, toRules({}, temporaryToken, { defaultField: null }));
    },
  };
};
