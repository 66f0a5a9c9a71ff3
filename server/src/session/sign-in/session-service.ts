import type { LoginInput, VerifyOtpInput } from '@auth-bff/shared';
import type { AuthServiceClient } from '../../auth-service/client.ts';
import type { TokenSet } from '../../auth-service/token-set.ts';
import { requestMetaOf } from '../../auth-service/transport.ts';
import type { MaybePromise } from '../../platform/maybe-promise.ts';
import { AppError } from '../../errors.ts';
import type { Account } from '../../rate-limit/account-tries.ts';
import type { SessionLimits } from '../../rate-limit/session-limits.ts';
import type { VerifiedToken, Verifier } from '../../token/verified-token.ts';
import type { Challenges } from './challenge.ts';
import type { Device, DeviceCookies } from './device-cookie.ts';
import { type EstablishedSession, establishSession } from '../established-session.ts';
import type { Exchanges } from '../refresh/exchanges.ts';
import type { Lineage } from '../family/token-families.ts';
import { provenMarks } from '../family/marks.ts';
import type { PresentedTokens } from '../presented-tokens.ts';
import type { Refresher } from '../refresh/refresher.ts';
import { createSignOut } from '../family/sign-out.ts';
import type { TokenProof } from '../family/token-proof.ts';

export type SessionServiceOptions = {
  authService: Pick<AuthServiceClient, 'signIn' | 'verifyOtp' | 'signOut'>;
  verifier: Verifier;
  lineage: Lineage;
  exchanges: Exchanges;
  challenges: Challenges;
  deviceCookies: DeviceCookies;
  refresher: Refresher;
  proof: TokenProof;
  limits: Pick<SessionLimits, 'signIn' | 'secondFactor' | 'noteSignIn'>;
  now: () => number;
};

/** A new session, and the value of the device cookie that remembers its account. */
export type NewSession = { session: EstablishedSession; device: string };

export type SignInResult = ({ status: 'signed_in' } & NewSession) | { status: 'otp_required'; challenge: string };

export const signedOut = (): AppError => new AppError('session_ended', { message: 'This session was signed out.' });

/** Sign-in, second factor, refresh and sign-out. Tokens come back to be put into cookies, never into an answer. */
export const createSessionService = (options: SessionServiceOptions) => {
  const { authService, verifier, lineage, exchanges, challenges, deviceCookies, refresher, proof, limits, now } =
    options;

  const begin = async (
    grant: TokenSet,
    account: Account,
    { before, device }: { before: PresentedTokens; device: Device },
  ): Promise<NewSession> => {
    const { as } = account;
    const session = await establishSession(grant, { verifier, now });
    const subjects = [session.access.principal, ...(session.refresh === null ? [] : [session.refresh.principal])];
    if (subjects.some(({ type, id }) => type !== as || id !== session.access.principal.id)) {
      throw new AppError('auth_service_contract', {
        message: `The Auth Service signed in somebody else than the ${as} who asked.`,
      });
    }
    // A refresh of the earlier session that is under way must not put it back.
    await proof.mark(before, lineage.replace);
    await lineage.begin(provenMarks(session));
    await limits.noteSignIn(account);
    return { session, device: await device.remember(account) };
  };

  return {
    /** Throws `bad_credentials`, `account_locked`, `account_inactive`, `captcha_required`, `rate_limited`. Staff where `as` is left out; never both are tried. */
    async signIn(
      { as = 'staff', ...credentials }: LoginInput,
      before: PresentedTokens,
      deviceValues: readonly string[],
    ): Promise<SignInResult> {
      const account = { as, email: credentials.email };
      const device = await deviceCookies.read(deviceValues);
      const attempt = { ...account, address: before.address, deviceId: device.idFor(account) };
      const answer = await limits.signIn(attempt, () =>
        authService.signIn({ ...credentials, as, ...requestMetaOf(before) }),
      );
      if (answer.status === 'granted') {
        return { status: 'signed_in', ...(await begin(answer.grant, account, { before, device })) };
      }
      const { temporaryToken } = answer;
      return { status: 'otp_required', challenge: await challenges.seal({ ...account, temporaryToken }) };
    },

    /** Throws `otp_invalid`, `otp_expired`, `account_locked`, `account_inactive`, `rate_limited`. */
    verifyOtp: (
      { challenge, code }: VerifyOtpInput,
      before: PresentedTokens,
      deviceValues: readonly string[],
    ): Promise<NewSession> =>
      challenges.attempt(challenge, async ({ temporaryToken, ...account }) => {
        const grant = await limits.secondFactor(account, () =>
          authService.verifyOtp({ ...account, temporaryToken, code, ...requestMetaOf(before) }),
        );
        return begin(grant, account, { before, device: await deviceCookies.read(deviceValues) });
      }),

    refresh: refresher.refresh,

    emailOf: challenges.emailOf,

    /** Ends the session of the tokens that a request carries, here and upstream. Never throws. */
    signOut: createSignOut({ authService, lineage, exchanges, proof }),

    /** Whether this process knows that this access token's session was signed out. */
    isSignedOutHere: (access: VerifiedToken): boolean => lineage.isEndedHere(access),

    /** Whether this access token's session was signed out. */
    isSignedOut: (access: VerifiedToken): MaybePromise<boolean> => lineage.isEnded(access),
  };
};

export type SessionService = ReturnType<typeof createSessionService>;
