import type { LoginInput, VerifyOtpInput } from '@auth-bff/shared';
import type { AuthServiceClient } from '../auth-service/client.ts';
import type { TokenGrant } from '../auth-service/grant.ts';
import { AppError } from '../errors.ts';
import type { VerifiedToken, Verifier } from '../token/verified-token.ts';
import { type Challenges, createChallenges } from './challenge.ts';
import { type EstablishedSession, establishSession, fingerprintsOf } from './established-session.ts';
import { createLineage, newChain } from './lineage.ts';
import type { PresentedTokens } from './presented-tokens.ts';
import { createRefresher, type RefresherOptions } from './refresher.ts';

export type SessionServiceOptions = {
  authService: Pick<AuthServiceClient, 'signIn' | 'verifyOtp' | 'refresh' | 'signOut'>;
  verifier: Verifier;
  sealingSecret: string;
  now: () => number;
  onForeignToken: RefresherOptions['onForeignToken'];
};

export type SignInResult =
  | { status: 'signed_in'; session: EstablishedSession }
  | { status: 'otp_required'; challenge: string };

/** Sign-in, second factor, refresh and sign-out. Tokens come back to be put into cookies, never into an answer. */
export const createSessionService = (options: SessionServiceOptions) => {
  const { authService, verifier, sealingSecret, now, onForeignToken } = options;
  const lineage = createLineage({ now });
  const challenges: Challenges = createChallenges({ sealingSecret, now });
  const refresher = createRefresher({ authService, verifier, lineage, now, onForeignToken });

  /** Those of the tokens that verify, whatever their age. */
  const held = async ({ accessToken, refreshToken }: PresentedTokens) => {
    const verify = (token: string | null, check: (token: string) => Promise<VerifiedToken>) =>
      token === null ? null : check(token).catch(() => null);
    const [access, refresh] = await Promise.all([
      verify(accessToken, verifier.verifyAtAnyAge),
      verify(refreshToken, verifier.verifyRefresh),
    ]);
    const fingerprints = [access, refresh].flatMap((token) => token?.fingerprint ?? []);
    return { access, refresh, fingerprints };
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
    lineage.replace((await held(before)).fingerprints);
    lineage.extend(newChain(), fingerprintsOf(session));
    return session;
  };

  return {
    /** Throws `bad_credentials`, `account_locked`, `captcha_required`. Staff where `as` is left out; never both are tried. */
    async signIn({ as = 'staff', ...credentials }: LoginInput, before: PresentedTokens): Promise<SignInResult> {
      const answer = await authService.signIn({ ...credentials, as, requestId: before.requestId });
      if (answer.status === 'granted') return { status: 'signed_in', session: await begin(answer.grant, as, before) };
      const { temporaryToken } = answer;
      return {
        status: 'otp_required',
        challenge: await challenges.seal({ as, email: credentials.email, temporaryToken }),
      };
    },

    /** Throws `otp_invalid`, `account_locked`. */
    verifyOtp: ({ challenge, code }: VerifyOtpInput, before: PresentedTokens): Promise<EstablishedSession> =>
      challenges.attempt(challenge, async (pending) =>
        begin(await authService.verifyOtp({ ...pending, code, requestId: before.requestId }), pending.as, before),
      ),

    refresh: refresher.refresh,

    /**
     * Ends the session of these tokens: at once here, for every token that it was ever given, and upstream as
     * far as upstream can be reached. Tokens that do not verify end nothing. Never throws.
     */
    async signOut(tokens: PresentedTokens): Promise<void> {
      const { access, refresh, fingerprints } = await held(tokens);
      lineage.end(fingerprints);

      const newest = refresh === null ? null : refresher.latest(refresh.fingerprint);
      const subject = (refresh ?? access)?.principal;
      if (subject === undefined) return;
      const { type, id } = subject;
      const isAccessOfType = access?.principal.type === type;
      await authService
        .signOut({
          type,
          id,
          accessToken: newest?.accessToken ?? (isAccessOfType ? tokens.accessToken : null),
          refreshToken: newest?.refreshToken ?? (refresh === null ? null : tokens.refreshToken),
          requestId: tokens.requestId,
        })
        .catch(() => {});
    },

    /** Throws `session_ended` where this access token's session was signed out. */
    refuseSignedOut({ fingerprint }: VerifiedToken): void {
      if (lineage.isEnded(fingerprint)) {
        throw new AppError('session_ended', { message: 'This session was signed out.' });
      }
    },
  };
};

export type SessionService = ReturnType<typeof createSessionService>;
