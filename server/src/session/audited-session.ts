import { codeOfReason, type LoginInput, type Reason, type VerifyOtpInput } from '@auth-bff/shared';
import type { Audit, AuditEvent } from '../platform/audit.ts';
import { isAppError } from '../errors.ts';
import type { AuthenticationOptions } from './authentication.ts';
import type { EstablishedSession } from './established-session.ts';
import { createRequestSession, type RequestSession, type RequestSessionOptions } from './request-session.ts';
import type { TokenOwners } from './token-owners.ts';

export type AuditedSessionOptions = Omit<RequestSessionOptions, 'onEnd'> & {
  audit: Audit;
  tokenOwnersOf: TokenOwners;
  /** Calls back once: whether the complete response was sent. */
  onResponseEnd: (callback: (isComplete: boolean) => void) => void;
};

const reasonOf = (error: unknown): Reason => (isAppError(error) ? error.reason : 'internal');

/** Whether the refresh was rejected. An outage or an unexpected response of the Auth Service is no rejection. */
const isRejection = (reason: Reason): boolean => ['UNAUTHORIZED', 'TOO_MANY_REQUESTS'].includes(codeOfReason[reason]);

/** The event of a valid token whose session has ended. */
export const toSessionEnded = (
  ...[reason, { principal, fingerprint }]: Parameters<AuthenticationOptions['onEnd']>
): AuditEvent => ({ audit: 'session_ended', reason, person: principal, tokens: [fingerprint] });

/** The session of one request, which writes an audit line for each sign-in, rejection and sign-out. */
export const createAuditedSession = (options: AuditedSessionOptions): RequestSession => {
  const { audit, tokenOwnersOf, onResponseEnd, cause, presented, sessions } = options;
  const write = (event: AuditEvent): void => audit.write(event, cause);
  /** The e-mail address of the sign-in in this request. */
  let email: string | null = null;
  let isSignedIn = false;

  const auditSignIn = ({ access: { principal } }: EstablishedSession): void => {
    isSignedIn = true;
    // If the response does not arrive, the browser has no cookies and is not signed in.
    onResponseEnd((isComplete) =>
      write(
        isComplete
          ? { audit: 'sign_in', person: principal, email }
          : { audit: 'sign_in_failed', reason: 'client_left', person: principal, email },
      ),
    );
  };

  const session = createRequestSession({
    ...options,
    setCookies(established, cookieOptions) {
      options.setCookies(established, cookieOptions);
      if (cookieOptions.isNew) auditSignIn(established);
    },
    onEnd: (...end) => write(toSessionEnded(...end)),
  });

  const auditStep = async <Answer>(
    toFailure: (reason: Reason) => AuditEvent,
    step: () => Promise<Answer>,
  ): Promise<Answer> => {
    try {
      return await step();
    } catch (error) {
      // The sign-in has succeeded even if the session could not be shown: the cookies are set.
      if (!isSignedIn) write(toFailure(reasonOf(error)));
      throw error;
    }
  };

  const auditRejectedRefresh = async (reason: Reason): Promise<void> => {
    const [first, ...others] = await tokenOwnersOf({ ...presented, accessTokens: [] });
    const owner = others.length === 0 ? first : undefined;
    write({ audit: 'refresh_refused', reason, person: owner?.person ?? null, tokens: owner?.tokens ?? [] });
  };

  return {
    ...session,

    signIn(input: LoginInput) {
      ({ email } = input);
      return auditStep(
        (reason) => ({ audit: 'sign_in_failed', reason, email }),
        () => session.signIn(input),
      );
    },

    async verifyOtp(input: VerifyOtpInput) {
      email = await sessions.emailOf(input.challenge);
      return auditStep(
        (reason) => ({ audit: 'second_factor_failed', reason, email }),
        () => session.verifyOtp(input),
      );
    },

    async refresh() {
      try {
        return await session.refresh();
      } catch (error) {
        const reason = reasonOf(error);
        if (isRejection(reason)) await auditRejectedRefresh(reason);
        throw error;
      }
    },

    async signOutEverywhere() {
      const answer = await session.signOutEverywhere();
      for (const { person } of await tokenOwnersOf({ ...presented, refreshTokens: [] })) {
        write({ audit: 'sign_out_everywhere', person });
      }
      return answer;
    },

    async signOut() {
      const answer = await session.signOut();
      for (const { person, tokens } of await tokenOwnersOf(presented)) write({ audit: 'sign_out', person, tokens });
      return answer;
    },
  };
};
