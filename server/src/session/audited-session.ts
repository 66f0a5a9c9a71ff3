import { codeOfReason, type LoginInput, type Reason, type VerifyOtpInput } from '@auth-bff/shared';
import type { Audit, AuditEvent } from '../platform/audit.ts';
import { isAppError } from '../errors.ts';
import type { EstablishedSession } from './established-session.ts';
import type { PresentedPeople } from './token-owners.ts';
import { createRequestSession, type RequestSession, type RequestSessionOptions } from './request-session.ts';

export type AuditedSessionOptions = Omit<RequestSessionOptions, 'onEnd'> & {
  audit: Audit;
  peopleOf: PresentedPeople;
  /** Calls back once with whether the whole response was sent. */
  onceAnswered: (tell: (isAnswered: boolean) => void) => void;
};

const reasonOf = (error: unknown): Reason => (isAppError(error) ? error.reason : 'internal');

/** Whether the refresh was refused. An outage and an unexpected answer of the Auth Service refuse nothing. */
const isRefusal = (reason: Reason): boolean => ['UNAUTHORIZED', 'TOO_MANY_REQUESTS'].includes(codeOfReason[reason]);

/** The session of one request, with an audit line for each sign-in, refusal and sign-out. */
export const createAuditedSession = (options: AuditedSessionOptions): RequestSession => {
  const { audit, peopleOf, onceAnswered, cause, presented, sessions } = options;
  const write = (event: AuditEvent): void => audit.write(event, cause);
  /** Of the sign-in that this request is a step of. */
  let email: string | null = null;
  let isSignedIn = false;

  const noteSignIn = ({ access: { principal } }: EstablishedSession): void => {
    isSignedIn = true;
    // Without its cookies, nobody is signed in.
    onceAnswered((isAnswered) =>
      write(
        isAnswered
          ? { audit: 'sign_in', person: principal, email }
          : { audit: 'sign_in_failed', reason: 'client_left', person: principal, email },
      ),
    );
  };

  const session = createRequestSession({
    ...options,
    setCookies(established, cookieOptions) {
      options.setCookies(established, cookieOptions);
      if (cookieOptions.isNew) noteSignIn(established);
    },
    onEnd: (reason, { principal, fingerprint }) =>
      write({ audit: 'session_ended', reason, person: principal, tokens: [fingerprint] }),
  });

  const auditStep = async <Answer>(
    toFailure: (reason: Reason) => AuditEvent,
    step: () => Promise<Answer>,
  ): Promise<Answer> => {
    try {
      return await step();
    } catch (error) {
      // The cookies are set also if the session cannot be shown.
      if (!isSignedIn) write(toFailure(reasonOf(error)));
      throw error;
    }
  };

  const writeRefusedRefresh = async (reason: Reason): Promise<void> => {
    const [holder, ...others] = await peopleOf({ ...presented, accessTokens: [] });
    const known = others.length === 0 ? holder : undefined;
    write({ audit: 'refresh_refused', reason, person: known?.person ?? null, tokens: known?.tokens ?? [] });
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
        if (isRefusal(reason)) await writeRefusedRefresh(reason);
        throw error;
      }
    },

    async signOut() {
      const answer = await session.signOut();
      for (const { person, tokens } of await peopleOf(presented)) write({ audit: 'sign_out', person, tokens });
      return answer;
    },
  };
};
