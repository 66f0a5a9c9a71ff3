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
import type { Caller } from '../auth-service/transport.ts';
import { isAppError } from '../errors.ts';
import type { MaybePromise } from '../platform/maybe-promise.ts';
import type { Principal } from '../token/principal.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import {
  type Authentication,
  type AuthenticationOptions,
  createAuthentication,
  type SignedInAs,
  signedInAs,
} from './authentication.ts';
import type { OwnToken } from './cutoff/end-sessions.ts';
import type { EstablishedSession } from './established-session.ts';
import type { Membership } from './membership.ts';
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

/** The input of one request, and the functions that change its response. */
export type RequestSessionOptions = AuthenticationOptions & {
  /** The values of the device cookie. */
  deviceValues: () => readonly string[];
  sessions: SessionService;
  membership: Membership;
  /** Asks the Auth Service whether it accepts the access token. */
  validate: (caller: Caller) => Promise<boolean>;
  setCookies: (session: EstablishedSession, options: SetCookiesOptions) => void;
  clearCookies: () => void;
  /** Called with the token of the session that the response describes. */
  onSession: (token: VerifiedToken) => void;
};

/** The session as a frontend sees it. Unknown systems and roles become empty lists, which grant nothing. */
const toSession = (
  { id, type, email, fullName, systems, roles }: Principal,
  { expiresAtMs, refreshAtMs }: Pick<VerifiedToken, 'expiresAtMs' | 'refreshAtMs'>,
): Session => ({
  user: { id, type, email, fullName },
  systems: [...(systems ?? [])],
  roles: [...(roles ?? [])],
  expiresAt: new Date(expiresAtMs),
  refreshAt: new Date(refreshAtMs),
});

/** The session of one request: its caller, and the procedures that begin, refresh and end a session. */
export const createRequestSession = (options: RequestSessionOptions) => {
  const { presented, deviceValues, cause, sessions, membership, validate } = options;
  const { setCookies, clearCookies, onSession } = options;
  /** Whether the response already describes a session, or that it has ended. */
  let isSettled = false;

  const authentication = createAuthentication(options, (token) => {
    if (!isSettled) onSession(token);
  });
  const { current } = authentication;

  const show = async ({ principal, verified, caller }: SignedInAs): Promise<Session> =>
    toSession(await membership.toShow(principal, caller), verified);

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
    isSettled = true;
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
    current,
    show,

    /** Calls `onSession` if the caller is known without a call to the Auth Service. */
    announce: (): MaybePromise<Authentication | null> => (isSettled ? null : authentication.currentIfLocal()),

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
          isSettled = true;
          clearCookies();
        }
        throw error;
      }
    },

    async signOut(): Promise<null> {
      isSettled = true;
      clearCookies();
      await sessions.signOut(presented);
      return null;
    },

    /** Ends all sessions of the caller, including this one. */
    async signOutEverywhere(): Promise<null> {
      const own = await requireCaller();
      isSettled = true;
      clearCookies();
      await sessions.endSessions.everywhere(own);
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

export type RequestSession = ReturnType<typeof createRequestSession>;
