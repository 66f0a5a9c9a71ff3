import {
  codeOfReason,
  type CurrentSession,
  type LoginAnswer,
  type LoginInput,
  type Session,
  type SignedIn,
  type VerifyOtpInput,
} from '@auth-bff/shared';
import type { Caller, Cause } from '../auth-service/transport.ts';
import { type Awaitable, isKnown } from '../awaitable.ts';
import { AppError, isAppError } from '../errors.ts';
import type { Principal } from '../token/principal.ts';
import type { VerifiedToken, Verifier } from '../token/verified-token.ts';
import type { EstablishedSession } from './established-session.ts';
import type { Membership } from './membership.ts';
import type { PresentedTokens } from './presented-tokens.ts';
import { type SessionService, signedOut } from './session-service.ts';
import { toSession } from './session-view.ts';

/** Who is asking: a person, or the reason why nobody is. */
export type Authentication = SignedInAs | { state: 'refused'; error: AppError };
export type SignedInAs = { state: 'signed_in'; principal: Principal; verified: VerifiedToken; caller: Caller };

/** What one request came with, and where its answer puts what it sets. */
export type RequestSessionOptions = {
  /** The tokens as presented, or the fault in how they were (a cookie sent twice with different values). */
  presented: PresentedTokens | AppError;
  /** What the access token says, or why it does not hold, where that was found out already. */
  verified: VerifiedToken | AppError | null;
  /** Everything that may be a token of the session, for a sign-out, which must miss none. */
  candidates: () => readonly PresentedTokens[];
  cause: Cause;
  sessions: SessionService;
  verifier: Verifier;
  membership: Membership;
  validate: (caller: Caller) => Promise<boolean>;
  setCookies: (session: EstablishedSession, options: { isNew: boolean }) => void;
  clearCookies: () => void;
  /** Told of each token that the answer speaks for. */
  onSession: (token: VerifiedToken) => void;
};

/** The session of one request: who asks, and the calls that change that. */
export const createRequestSession = (options: RequestSessionOptions) => {
  const {
    candidates,
    presented,
    cause,
    sessions,
    verifier,
    membership,
    validate,
    setCookies,
    clearCookies,
    onSession,
  } = options;

  const presentedOrThrow = (): PresentedTokens => {
    if (presented instanceof AppError) throw presented;
    return presented;
  };

  const signedInAs = (verified: VerifiedToken, accessToken: string): SignedInAs => {
    const { principal } = verified;
    const { type, id } = principal;
    return { state: 'signed_in', principal, verified, caller: { type, id, accessToken, ...cause } };
  };

  const refuse = (error: unknown): Authentication => ({
    state: 'refused',
    error: isAppError(error) ? error : new AppError('internal', { cause: error }),
  });
  const judge = (verified: VerifiedToken, accessToken: string): Awaitable<Authentication> => {
    const decide = (isSignedOut: boolean): Authentication => {
      if (isSignedOut) return refuse(signedOut());
      onSession(verified);
      return signedInAs(verified, accessToken);
    };
    const isSignedOut = sessions.isSignedOut(verified);
    return isKnown(isSignedOut) ? decide(isSignedOut) : isSignedOut.then(decide).catch(refuse);
  };

  /** Waits for nothing where this process knows all that it takes. */
  const authenticate = (): Awaitable<Authentication> => {
    if (presented instanceof AppError) return refuse(presented);
    const { accessToken, refreshToken } = presented;
    if (accessToken === null) return refuse(new AppError(refreshToken === null ? 'no_token' : 'token_expired'));
    const { verified } = options;
    if (verified instanceof AppError) return refuse(verified);
    if (verified !== null) return judge(verified, accessToken);
    return verifier
      .verify(accessToken, cause)
      .then((found) => judge(found, accessToken))
      .catch(refuse);
  };
  let authentication: Awaitable<Authentication> | null = null;
  const current = (): Awaitable<Authentication> => {
    authentication ??= authenticate();
    return authentication;
  };

  const show = async ({ principal, verified, caller }: SignedInAs): Promise<Session> =>
    toSession(await membership.toShow(principal, caller), verified);

  const enter = async (
    session: EstablishedSession,
    { isNew, refuseLeft }: { isNew: boolean; refuseLeft: () => Promise<void> },
  ): Promise<Session> => {
    const { access, accessToken } = session;
    const shown = await show(signedInAs(access, accessToken)).catch((error: Error) => error);
    // Showing may wait for the Auth Service, and a sign-out or a sign-in meanwhile wins. The old tokens are spent, so
    // that the new ones are set even where they cannot be shown.
    await refuseLeft();
    onSession(access);
    setCookies(session, { isNew });
    if (shown instanceof Error) throw shown;
    return shown;
  };

  const begin = (session: EstablishedSession): Promise<Session> =>
    enter(session, {
      isNew: true,
      refuseLeft: async () => {
        if (await sessions.isSignedOut(session.access)) throw signedOut();
      },
    });

  const before: PresentedTokens =
    presented instanceof AppError ? { accessToken: null, refreshToken: null, ...cause } : presented;

  return {
    current,
    show,

    /** Who is signed in, as an answer. Only an outage is an error. */
    async describe(): Promise<CurrentSession> {
      const asking = await current();
      if (asking.state === 'signed_in') return { state: 'signed_in', session: await show(asking) };
      const { reason } = asking.error;
      if (codeOfReason[reason] !== 'UNAUTHORIZED') throw asking.error;
      return { state: reason === 'token_expired' && before.refreshToken !== null ? 'expired' : 'signed_out' };
    },

    async signIn(input: LoginInput): Promise<LoginAnswer> {
      const result = await sessions.signIn(input, before);
      return result.status === 'otp_required' ? result : { status: 'signed_in', session: await begin(result.session) };
    },

    async verifyOtp(input: VerifyOtpInput): Promise<SignedIn> {
      return { status: 'signed_in', session: await begin(await sessions.verifyOtp(input, before)) };
    },

    async refresh(): Promise<Session> {
      try {
        const { session, refuseLeft } = await sessions.refresh(presentedOrThrow());
        return await enter(session, { isNew: false, refuseLeft });
      } catch (error) {
        if (isAppError(error) && error.endsSession) clearCookies();
        throw error;
      }
    },

    async signOut(): Promise<null> {
      clearCookies();
      await Promise.all(candidates().map(sessions.signOut));
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
