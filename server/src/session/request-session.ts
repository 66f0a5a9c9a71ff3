import {
  codeOfReason,
  type CurrentSession,
  type LoginAnswer,
  type LoginInput,
  type Session,
  type SignedIn,
  type VerifyOtpInput,
} from '@auth-bff/shared';
import type { SessionEnd } from '../platform/audit.ts';
import type { Caller, RequestMeta } from '../auth-service/transport.ts';
import { type MaybePromise, isSync } from '../platform/maybe-promise.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Principal } from '../token/principal.ts';
import { type ChosenToken, ConflictingTokensError, type TokenChooser } from '../token/choose-token.ts';
import type { VerifiedToken } from '../token/verified-token.ts';
import type { EstablishedSession } from './established-session.ts';
import type { Membership } from './membership.ts';
import type { PresentedTokens } from './presented-tokens.ts';
import { type NewSession, type SessionService, signedOut } from './sign-in/session-service.ts';
import { toSession } from './session-view.ts';
import type { Standing } from './refresh/standing.ts';

export type SetCookiesOptions = {
  /** Somebody has signed in: a refresh token that the browser still holds is of an earlier session. */
  isNew: boolean;
  /** Until when the session can be refreshed: milliseconds since the epoch. Null: it cannot. */
  refreshableUntilMs: number | null;
  /** The value of the device cookie. Left out: the browser keeps the one it has. */
  device?: string;
};

/** Who is asking: a person, or the reason why nobody is. */
export type Authentication = SignedInAs | { state: 'refused'; error: AppError };
export type SignedInAs = { state: 'signed_in'; principal: Principal; verified: VerifiedToken; caller: Caller };

/** What one request came with, and where its answer puts what it sets. */
export type RequestSessionOptions = {
  presented: PresentedTokens;
  /** The values of the device cookie. */
  deviceValues: () => readonly string[];
  /** The access token that counts, or why none does. Null: only the Auth Service can tell. */
  chosen: ChosenToken | AppError | null;
  cause: RequestMeta;
  sessions: SessionService;
  /** Whether the session of the access token that counts was signed out. */
  isSignedOut: (access: VerifiedToken) => MaybePromise<boolean>;
  tokenChooser: TokenChooser;
  standing: Pick<Standing, 'isKnownInactive'>;
  membership: Membership;
  validate: (caller: Caller) => Promise<boolean>;
  setCookies: (session: EstablishedSession, options: SetCookiesOptions) => void;
  clearCookies: () => void;
  /** Told where the request carries sessions of several people. */
  onConflict: () => void;
  /** Called if the session of the request's token is refused although the token is valid. */
  onEnd: (end: Extract<SessionEnd, 'account_inactive' | 'signed_out'>, token: VerifiedToken) => void;
  /** Told of each token that the answer speaks for. */
  onSession: (token: VerifiedToken) => void;
};

const inactive = (): AppError =>
  new AppError('session_ended', { message: 'This account is not active any more: ask an administrator.' });

/** The session of one request: who asks, and the calls that change that. */
export const createRequestSession = (options: RequestSessionOptions) => {
  const {
    presented,
    deviceValues,
    chosen,
    cause,
    sessions,
    isSignedOut,
    tokenChooser,
    standing,
    membership,
    validate,
  } = options;
  const { setCookies, clearCookies, onConflict, onEnd, onSession } = options;
  /** Whether the answer already says of which session it is, or that there is none any more. */
  let isSettled = false;

  const signedInAs = (verified: VerifiedToken, accessToken: string): SignedInAs => {
    const { principal } = verified;
    const { type, id } = principal;
    return { state: 'signed_in', principal, verified, caller: { type, id, accessToken, ...cause } };
  };

  const refuse = (error: unknown): Authentication => {
    if (error instanceof ConflictingTokensError) onConflict();
    return { state: 'refused', error: isAppError(error) ? error : new AppError('internal', { cause: error }) };
  };
  const judge = ({ token, verified }: ChosenToken): MaybePromise<Authentication> => {
    const decide = (isEnded: boolean): Authentication => {
      if (isEnded) {
        onEnd('signed_out', verified);
        return refuse(signedOut());
      }
      if (standing.isKnownInactive(verified.principal)) {
        onEnd('account_inactive', verified);
        return refuse(inactive());
      }
      if (!isSettled) onSession(verified);
      return signedInAs(verified, token);
    };
    const isEnded = isSignedOut(verified);
    return isSync(isEnded) ? decide(isEnded) : isEnded.then(decide).catch(refuse);
  };

  /** Waits for nothing where this process knows all that it takes. */
  const authenticate = (): MaybePromise<Authentication> => {
    const { accessTokens, refreshTokens } = presented;
    if (accessTokens.length === 0) {
      return refuse(new AppError(refreshTokens.length === 0 ? 'no_token' : 'token_expired'));
    }
    const known = chosen ?? tokenChooser.here(accessTokens);
    if (known instanceof AppError) return refuse(known);
    if (known !== null) return judge(known);
    return tokenChooser.find(accessTokens, cause).then(judge).catch(refuse);
  };
  let authentication: MaybePromise<Authentication> | null = null;
  const current = (): MaybePromise<Authentication> => {
    authentication ??= authenticate();
    return authentication;
  };

  const show = async ({ principal, verified, caller }: SignedInAs): Promise<Session> =>
    toSession(await membership.toShow(principal, caller), verified);

  const enter = async (
    session: EstablishedSession,
    { refuseLeft, ...cookies }: SetCookiesOptions & { refuseLeft: () => Promise<void> },
  ): Promise<Session> => {
    const { access, accessToken } = session;
    const shown = await show(signedInAs(access, accessToken)).catch((error: Error) => error);
    // Showing may wait for the Auth Service, and a sign-out or a sign-in meanwhile wins. The old tokens are spent, so
    // that the new ones are set even where they cannot be shown.
    await refuseLeft();
    isSettled = true;
    onSession(access);
    setCookies(session, cookies);
    if (shown instanceof Error) throw shown;
    return shown;
  };

  const begin = ({ session, device }: NewSession): Promise<Session> =>
    enter(session, {
      isNew: true,
      device,
      refreshableUntilMs: session.refresh?.expiresAtMs ?? null,
      refuseLeft: async () => {
        if (await sessions.isSignedOut(session.access)) throw signedOut();
      },
    });

  return {
    current,
    show,

    /** Has the answer say whose session it is, as far as that is known without asking the Auth Service. */
    announce(): MaybePromise<Authentication | null> {
      if (isSettled || presented.accessTokens.length === 0) return null;
      const known = chosen ?? tokenChooser.here(presented.accessTokens);
      return known === null || known instanceof AppError ? null : current();
    },

    /** Who is signed in, as an answer. Only an outage is an error. */
    async describe(): Promise<CurrentSession> {
      const asking = await current();
      if (asking.state === 'signed_in') return { state: 'signed_in', session: await show(asking) };
      const { reason } = asking.error;
      if (codeOfReason[reason] !== 'UNAUTHORIZED') throw asking.error;
      return { state: reason === 'token_expired' && presented.refreshTokens.length > 0 ? 'expired' : 'signed_out' };
    },

    async signIn(input: LoginInput): Promise<LoginAnswer> {
      const result = await sessions.signIn(input, presented, deviceValues());
      return result.status === 'otp_required' ? result : { status: 'signed_in', session: await begin(result) };
    },

    async verifyOtp(input: VerifyOtpInput): Promise<SignedIn> {
      return { status: 'signed_in', session: await begin(await sessions.verifyOtp(input, presented, deviceValues())) };
    },

    async refresh(): Promise<Session> {
      try {
        const { session, refuseLeft, refreshableUntilMs } = await sessions.refresh(presented);
        return await enter(session, { isNew: false, refuseLeft, refreshableUntilMs });
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

    /** Whether the Auth Service accepts the token, too. It is asked only about one that holds here. */
    async validate(): Promise<boolean> {
      const asking = await current();
      if (asking.state === 'signed_in') return validate(asking.caller);
      if (codeOfReason[asking.error.reason] !== 'UNAUTHORIZED') throw asking.error;
      return false;
    },
  };
};

export type RequestSession = ReturnType<typeof createRequestSession>;
