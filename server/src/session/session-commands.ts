import {
  codeOfReason,
  type CurrentSession,
  type LoginAnswer,
  type LoginInput,
  type ResendOtpAnswer,
  type ResendOtpInput,
  type Session,
  type SignedIn,
  type VerifyOtpInput,
} from '@auth-bff/shared';
import type { Caller, RequestMeta } from '../auth-service/caller.ts';
import { isAppError } from '../errors.ts';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import { type Authentication, type SignedInAs, signedInAs } from './authentication.ts';
import type { OwnToken } from './cutoff/end-sessions.ts';
import type { EstablishedSession } from './established-session.ts';
import type { PresentedTokens } from './presented-tokens.ts';
import { signedOutError } from './session-errors.ts';
import type { NewSession, SessionService } from './sign-in/session-service.ts';

export type SetCookiesOptions = {
  /** A new sign-in: a refresh token that the browser still holds belongs to an earlier session. */
  isNew: boolean;
  /** When the refresh token expires: milliseconds since the epoch. Null: the session cannot be refreshed. */
  refreshableUntilMs: number | null;
  /** The value of the device cookie. Undefined: the browser keeps its value. */
  device?: string;
};

/** The session of the request that the commands begin, refresh or end. */
export type OwnSession = {
  presented: PresentedTokens;
  current: () => MaybePromise<Authentication>;
  show: (signedIn: SignedInAs) => Promise<Session>;
  /** Called with the token of the session that the response describes. */
  onSession: (token: VerifiedToken) => void;
  /** Called when the response describes a session, or that it has ended: from then on, the caller's token does not. */
  settle: () => void;
};

export type SessionCommandsOptions = {
  own: OwnSession;
  cause: RequestMeta;
  /** The values of the device cookie. */
  deviceValues: () => readonly string[];
  sessions: SessionService;
  /** Asks the Auth Service whether it accepts the access token. */
  validate: (caller: Caller) => Promise<boolean>;
  setCookies: (session: EstablishedSession, options: SetCookiesOptions) => void;
  clearCookies: () => void;
};

/** The procedures that begin, refresh and end the session of a request. */
export const createSessionCommands = (options: SessionCommandsOptions) => {
  const { own, cause, deviceValues, sessions, validate, setCookies, clearCookies } = options;
  const { presented, current, show, onSession, settle } = own;

  const enter = async (
    session: EstablishedSession,
    { requireActiveFamily, ...cookies }: SetCookiesOptions & { requireActiveFamily: () => Promise<void> },
  ): Promise<Session> => {
    const { access, accessToken } = session;
    const shown = await show(signedInAs({ token: accessToken, verified: access }, cause)).catch(
      (error: Error) => error,
    );
    // `show` may wait for the Auth Service; a sign-out or sign-in meanwhile takes precedence. The old tokens are spent, so
    // that the new ones are set even if `show` failed.
    await requireActiveFamily();
    settle();
    onSession(access);
    setCookies(session, cookies);
    if (shown instanceof Error) throw shown;
    return shown;
  };

  /** The access token of the caller. Throws if nobody is signed in. */
  const requireCaller = async (): Promise<OwnToken> => {
    const caller = await current();
    if (caller.state === 'refused') throw caller.error;
    return { token: caller.caller.accessToken, verified: caller.verified };
  };

  const begin = ({ session, device }: NewSession): Promise<Session> =>
    enter(session, {
      isNew: true,
      device,
      refreshableUntilMs: session.refresh?.expiresAtMs ?? null,
      requireActiveFamily: async () => {
        if (await sessions.isSignedOut(session.access)) throw signedOutError();
      },
    });

  return {
    /** The answer of `session.current`. Throws only if the state is unknown because of an outage. */
    async describe(): Promise<CurrentSession> {
      const caller = await current();
      if (caller.state === 'signed_in') return { state: 'signed_in', session: await show(caller) };
      const { reason } = caller.error;
      if (codeOfReason[reason] !== 'UNAUTHORIZED') throw caller.error;
      return { state: reason === 'token_expired' && presented.refreshTokens.length > 0 ? 'expired' : 'signed_out' };
    },

    async signIn(input: LoginInput): Promise<LoginAnswer> {
      const result = await sessions.signIn(input, presented, deviceValues());
      return result.status === 'otp_required' ? result : { status: 'signed_in', session: await begin(result) };
    },

    async verifyOtp(input: VerifyOtpInput): Promise<SignedIn> {
      return { status: 'signed_in', session: await begin(await sessions.verifyOtp(input, presented, deviceValues())) };
    },

    /** Has a new code sent. Throws `otp_expired`, `rate_limited`, `not_supported`. */
    resendOtp: (input: ResendOtpInput): Promise<ResendOtpAnswer> => sessions.resendOtp(input, presented),

    async refresh(): Promise<Session> {
      try {
        const { session, ...refreshed } = await sessions.refresh(presented);
        return await enter(session, { isNew: false, ...refreshed });
      } catch (error) {
        if (isAppError(error) && error.endsSession) {
          settle();
          clearCookies();
        }
        throw error;
      }
    },

    async signOut(): Promise<null> {
      settle();
      clearCookies();
      await sessions.signOut(presented);
      return null;
    },

    /** Ends all sessions of the caller, including this one. */
    async signOutEverywhere(): Promise<null> {
      const ownToken = await requireCaller();
      settle();
      clearCookies();
      await sessions.endSessions.everywhere(ownToken);
      await sessions.signOut(presented);
      return null;
    },

    /** Ends all sessions of the caller except this one. */
    endOtherSessions: async (): Promise<void> => sessions.endSessions.others(await requireCaller(), presented),

    /** Whether the Auth Service accepts the access token. It is asked only if the token is valid locally. */
    async validate(): Promise<boolean> {
      const caller = await current();
      if (caller.state === 'signed_in') return validate(caller.caller);
      if (codeOfReason[caller.error.reason] !== 'UNAUTHORIZED') throw caller.error;
      return false;
    },
  };
};

export type SessionCommands = ReturnType<typeof createSessionCommands>;
