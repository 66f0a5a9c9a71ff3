import type { LoginInput, ResendOtpAnswer, ResendOtpInput, VerifyOtpInput } from '@auth-bff/shared';
import type { AuthServiceClient } from '../../auth-service/client.ts';
import type { TokenSet } from '../../auth-service/token-set.ts';
import { requestMetaOf } from '../../auth-service/caller.ts';
import { AppError } from '../../errors.ts';
import type { MaybePromise } from '../../platform/maybe-promise.ts';
import type { Account } from '../../rate-limit/account-attempts.ts';
import type { AccountLimiter } from '../../rate-limit/account-limiter.ts';
import type { AttemptLimiter } from '../../rate-limit/attempt-limiter.ts';
import type { VerifiedToken, Verifier } from '../../token/verified-token.ts';
import { type EstablishedSession, establishSession } from '../established-session.ts';
import type { EndSessions } from '../cutoff/end-sessions.ts';
import { createSignOut } from '../family/sign-out.ts';
import type { TokenFamilies } from '../family/token-families.ts';
import type { TokenProof } from '../family/token-proof.ts';
import { provenRefs } from '../family/token-refs.ts';
import type { PresentedTokens } from '../presented-tokens.ts';
import { signedOutError } from '../session-errors.ts';
import type { ExchangeCache } from '../refresh/exchange-cache.ts';
import type { Refresher } from '../refresh/refresher.ts';
import type { Challenges } from './challenges.ts';
import type { Device, DeviceCookies } from './device-cookies.ts';

export type SessionServiceOptions = {
  authService: Pick<AuthServiceClient, 'signIn' | 'verifyOtp' | 'resendCode' | 'signOut'>;
  verifier: Verifier;
  tokenFamilies: TokenFamilies;
  exchangeCache: ExchangeCache;
  challenges: Challenges;
  deviceCookies: DeviceCookies;
  refresher: Refresher;
  tokenProof: TokenProof;
  attemptLimiter: Pick<AttemptLimiter, 'signIn' | 'secondFactor' | 'noteSignIn'>;
  endSessions: EndSessions;
  /** Called with each access token that a sign-in has just issued. */
  onIssue: (access: VerifiedToken) => void;
  accountLimiter: Pick<AccountLimiter, 'resendCode'>;
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** A sign-in. `startedAtMs`: before its password was sent to the Auth Service, in milliseconds since the epoch. */
type StartedSignIn = { presented: PresentedTokens; device: Device; startedAtMs: number };

/** A new session, and the value of the device cookie that remembers its account. */
export type NewSession = { session: EstablishedSession; device: string };

export type SignInResult = ({ status: 'signed_in' } & NewSession) | { status: 'otp_required'; challenge: string };

/** Sign-in, second factor, refresh and sign-out. Returned tokens belong into cookies, never into a response body. */
export const createSessionService = (options: SessionServiceOptions) => {
  const { authService, verifier, tokenFamilies, exchangeCache, challenges, deviceCookies } = options;
  const { refresher, tokenProof, attemptLimiter, accountLimiter, endSessions, onIssue, now } = options;

  const begin = async (
    tokenSet: TokenSet,
    account: Account,
    { presented, device, startedAtMs }: StartedSignIn,
  ): Promise<NewSession> => {
    const { as } = account;
    const session = await establishSession(tokenSet, { verifier, now });
    const subjects = [session.access.principal, ...(session.refresh === null ? [] : [session.refresh.principal])];
    if (subjects.some(({ type, id }) => type !== as || id !== session.access.principal.id)) {
      throw new AppError('auth_service_contract', {
        message: `The Auth Service signed in a person of another type than ${as}, or issued tokens of two people.`,
      });
    }
    // A refresh of the earlier session that is in flight must not overwrite the new cookies.
    await tokenProof.changeProven(presented, tokenFamilies.replace);
    onIssue(session.access);
    if (!(await tokenFamilies.begin(provenRefs(session), session.access.principal, startedAtMs))) {
      const { type, id } = session.access.principal;
      // Does not wait for the response.
      authService.signOut({ ...tokenSet, type, id, ...requestMetaOf(presented) }).catch(() => {});
      throw signedOutError();
    }
    await attemptLimiter.noteSignIn(account);
    return { session, device: await device.remember(account) };
  };

  return {
    /**
     * Throws `bad_credentials`, `account_locked`, `account_inactive`, `captcha_required`, `rate_limited`. `as` defaults to
     * staff; the other type is never tried.
     */
    async signIn(
      { as = 'staff', ...credentials }: LoginInput,
      presented: PresentedTokens,
      deviceValues: readonly string[],
    ): Promise<SignInResult> {
      const account = { as, email: credentials.email };
      const startedAtMs = now();
      const device = await deviceCookies.read(deviceValues);
      const attempt = { ...account, address: presented.address, deviceId: device.idFor(account) };
      const answer = await attemptLimiter.signIn(attempt, () =>
        authService.signIn({ ...credentials, as, ...requestMetaOf(presented) }),
      );
      if (answer.status === 'granted') {
        return { status: 'signed_in', ...(await begin(answer.grant, account, { presented, device, startedAtMs })) };
      }
      const { temporaryToken } = answer;
      return { status: 'otp_required', challenge: await challenges.seal({ ...account, temporaryToken }, startedAtMs) };
    },

    /** Throws `otp_invalid`, `otp_expired`, `account_locked`, `account_inactive`, `rate_limited`. */
    verifyOtp: (
      { challenge, code }: VerifyOtpInput,
      presented: PresentedTokens,
      deviceValues: readonly string[],
    ): Promise<NewSession> =>
      challenges.attempt(challenge, async ({ temporaryToken, ...account }, startedAtMs) => {
        const tokenSet = await attemptLimiter.secondFactor(account, () =>
          authService.verifyOtp({ ...account, temporaryToken, code, ...requestMetaOf(presented) }),
        );
        return begin(tokenSet, account, { presented, device: await deviceCookies.read(deviceValues), startedAtMs });
      }),

    /**
     * Has a new code sent, and replaces the challenge. Throws `otp_expired`, `rate_limited`, `not_supported`. After a
     * failure the old challenge can still be used.
     */
    resendOtp: async ({ challenge }: ResendOtpInput, presented: PresentedTokens): Promise<ResendOtpAnswer> => ({
      challenge: await challenges.renew(challenge, ({ temporaryToken, ...account }) =>
        accountLimiter.resendCode(account, () =>
          authService.resendCode({ as: account.as, temporaryToken, ...requestMetaOf(presented) }),
        ),
      ),
    }),

    refresh: refresher.refresh,

    emailOf: challenges.emailOf,

    /** Ends the session of the presented tokens, in all replicas and at the Auth Service. Never throws. */
    signOut: createSignOut({ authService, tokenFamilies, exchangeCache, tokenProof }),

    /** Ends all sessions of a person, or all but one. */
    endSessions,

    /** Whether this process knows that the session of this access token was signed out. */
    isSignedOutHere: (access: VerifiedToken): boolean => tokenFamilies.isRevokedLocally(access),

    /** Whether this process knows that all sessions of the person were ended, and not whether this one is kept. */
    mayBeSignedOutHere: (access: VerifiedToken): boolean => tokenFamilies.isCutOffHere(access),

    /** Whether the session of this access token was signed out. */
    isSignedOut: (access: VerifiedToken): MaybePromise<boolean> => tokenFamilies.isRevoked(access),
  };
};

export type SessionService = ReturnType<typeof createSessionService>;
