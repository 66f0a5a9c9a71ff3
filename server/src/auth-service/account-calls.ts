import type { PersonType, Profile, UpdateProfileInput } from '@auth-bff/shared';
import { AppError } from '../errors.ts';
import type { Caller, RequestMeta, Transport } from './transport.ts';

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

const missing = (): Promise<never> => Promise.reject(new AppError('not_supported'));

/**
 * Calls of the Auth Service with which people manage their own account. All throw `not_supported`, with the name of the
 * endpoint, if the Auth Service lacks it.
 */
export const createAccountCalls = (_options: AccountCallsOptions): AccountCalls => ({
  profile: missing,
  updateProfile: missing,
  setPicture: missing,
  changePassword: missing,
  requestPasswordReset: missing,
  resetPassword: missing,
  enableSecondFactor: missing,
  requestCode: missing,
  disableSecondFactor: missing,
  resendCode: missing,
});
