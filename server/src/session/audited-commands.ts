import { codeOfReason, type LoginInput, type Reason, type VerifyOtpInput } from '@auth-bff/shared';
import type { Audit, AuditEvent } from '../platform/audit.ts';
import { isAppError } from '../errors.ts';
import type { AuthenticationOptions } from './authentication.ts';
import type { EstablishedSession } from './established-session.ts';
import { createSessionCommands, type SessionCommands, type SessionCommandsOptions } from './session-commands.ts';
import type { TokenOwners } from './token-owners.ts';

export type AuditedCommandsOptions = SessionCommandsOptions & {
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

/** The commands of a session, with an audit line for each sign-in, rejection and sign-out. */
export const createAuditedCommands = (options: AuditedCommandsOptions): SessionCommands => {
  const { audit, tokenOwnersOf, onResponseEnd, cause, own, sessions } = options;
  const { presented } = own;
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

  const commands = createSessionCommands({
    ...options,
    setCookies(established, cookieOptions) {
      options.setCookies(established, cookieOptions);
      if (cookieOptions.isNew) auditSignIn(established);
    },
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
    ...commands,

    signIn(input: LoginInput) {
      ({ email } = input);
      return auditStep(
        (reason) => ({ audit: 'sign_in_failed', reason, email }),
        () => commands.signIn(input),
      );
    },

    async verifyOtp(input: VerifyOtpInput) {
      email = await sessions.emailOf(input.challenge);
      return auditStep(
        (reason) => ({ audit: 'second_factor_failed', reason, email }),
        () => commands.verifyOtp(input),
      );
    },

    async refresh() {
      try {
        return await commands.refresh();
      } catch (error) {
        const reason = reasonOf(error);
        if (isRejection(reason)) await auditRejectedRefresh(reason);
        throw error;
      }
    },

    async signOutEverywhere() {
      const answer = await commands.signOutEverywhere();
      for (const { person } of await tokenOwnersOf({ ...presented, refreshTokens: [] })) {
        write({ audit: 'sign_out_everywhere', person });
      }
      return answer;
    },

    async signOut() {
      const answer = await commands.signOut();
      for (const { person, tokens } of await tokenOwnersOf(presented)) write({ audit: 'sign_out', person, tokens });
      return answer;
    },
  };
};
