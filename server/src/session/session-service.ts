import type { LoginInput, VerifyOtpInput } from '@auth-bff/shared';
import type { AuthServiceClient } from '../auth-service/client.ts';
import type { TokenGrant } from '../auth-service/grant.ts';
import { causeOf } from '../auth-service/transport.ts';
import type { Awaitable } from '../awaitable.ts';
import { AppError } from '../errors.ts';
import type { SessionLimits } from '../limits/session-limits.ts';
import type { VerifiedToken, Verifier } from '../token/verified-token.ts';
import type { Challenges } from './challenge.ts';
import { type EstablishedSession, establishSession } from './established-session.ts';
import type { Exchanges } from './exchanges.ts';
import type { Lineage } from './lineage.ts';
import { type PresentedTokens, type TokenPair, toPairs } from './presented-tokens.ts';
import type { Refresher } from './refresher.ts';

export type SessionServiceOptions = {
  authService: Pick<AuthServiceClient, 'signIn' | 'verifyOtp' | 'signOut'>;
  verifier: Verifier;
  lineage: Lineage;
  exchanges: Exchanges;
  challenges: Challenges;
  refresher: Refresher;
  limits: Pick<SessionLimits, 'signIn' | 'secondFactor'>;
  now: () => number;
};

export type SignInResult =
  | { status: 'signed_in'; session: EstablishedSession }
  | { status: 'otp_required'; challenge: string };

export const signedOut = (): AppError => new AppError('session_ended', { message: 'This session was signed out.' });

type HeldTokens = { access: VerifiedToken | null; refresh: VerifiedToken | null };

/** Sign-in, second factor, refresh and sign-out. Tokens come back to be put into cookies, never into an answer. */
export const createSessionService = (options: SessionServiceOptions) => {
  const { authService, verifier, lineage, exchanges, challenges, refresher, limits, now } = options;

  /** Those of the tokens that verify, whatever their age. */
  const held = async ({ accessToken, refreshToken }: TokenPair): Promise<HeldTokens> => {
    const verify = (token: string | null, check: (token: string) => Promise<VerifiedToken>) =>
      token === null ? null : check(token).catch(() => null);
    const [access, refresh] = await Promise.all([
      verify(accessToken, verifier.verifyAtAnyAge),
      verify(refreshToken, verifier.verifyRefresh),
    ]);
    return { access, refresh };
  };

  const begin = async (
    grant: TokenGrant,
    as: 'staff' | 'employee',
    before: PresentedTokens,
  ): Promise<EstablishedSession> => {
    const session = await establishSession(grant, { verifier, now });
    const subjects = [session.access.principal, ...(session.refresh === null ? [] : [session.refresh.principal])];
    if (subjects.some(({ type, id }) => type !== as || id !== session.access.principal.id)) {
      throw new AppError('auth_service_contract', {
        message: `The Auth Service signed in somebody else than the ${as} who asked.`,
      });
    }
    // A refresh of the earlier session that is under way must not put it back.
    for (const pair of toPairs(before)) await lineage.replace(await held(pair));
    await lineage.begin(session);
    return session;
  };

  return {
    /** Throws `bad_credentials`, `account_locked`, `account_inactive`, `captcha_required`, `rate_limited`. Staff where `as` is left out; never both are tried. */
    async signIn({ as = 'staff', ...credentials }: LoginInput, before: PresentedTokens): Promise<SignInResult> {
      await limits.signIn({ email: credentials.email, address: before.address });
      const answer = await authService.signIn({ ...credentials, as, ...causeOf(before) });
      if (answer.status === 'granted') return { status: 'signed_in', session: await begin(answer.grant, as, before) };
      const { temporaryToken } = answer;
      return {
        status: 'otp_required',
        challenge: await challenges.seal({ as, email: credentials.email, temporaryToken }),
      };
    },

    /** Throws `otp_invalid`, `otp_expired`, `account_locked`, `account_inactive`, `rate_limited`. */
    verifyOtp: ({ challenge, code }: VerifyOtpInput, before: PresentedTokens): Promise<EstablishedSession> =>
      challenges.attempt(challenge, async (pending) => {
        await limits.secondFactor(pending);
        return begin(await authService.verifyOtp({ ...pending, code, ...causeOf(before) }), pending.as, before);
      }),

    refresh: refresher.refresh,

    /**
     * Ends the session of these tokens: at once in all replicas, for every token that it was ever given, and upstream as
     * far as upstream can be reached. Tokens that do not verify end nothing. Never throws.
     */
    async signOut(tokens: TokenPair): Promise<void> {
      const { refreshToken } = tokens;
      const { access, refresh } = await held(tokens);
      await lineage.end({ access, refresh });

      const newest =
        refresh === null || refreshToken === null
          ? null
          : await exchanges.latest({ token: refreshToken, fingerprint: refresh.fingerprint });
      const subject = (refresh ?? access)?.principal;
      if (subject === undefined) return;
      const { type, id } = subject;
      const isAccessOfType = access?.principal.type === type;
      await authService
        .signOut({
          type,
          id,
          accessToken: newest?.accessToken ?? (isAccessOfType ? tokens.accessToken : null),
          refreshToken: newest?.refreshToken ?? (refresh === null ? null : refreshToken),
          ...causeOf(tokens),
        })
        .catch(() => {});
    },

    /** Whether this process knows that this access token's session was signed out. */
    isSignedOutHere: (access: VerifiedToken): boolean => lineage.isEndedHere(access),

    /** Whether this access token's session was signed out. */
    isSignedOut: (access: VerifiedToken): Awaitable<boolean> => lineage.isEnded(access),
  };
};

export type SessionService = ReturnType<typeof createSessionService>;
