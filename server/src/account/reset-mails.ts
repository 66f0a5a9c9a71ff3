import type { PersonType } from '@auth-bff/shared';
import type { AuthServiceClient } from '../auth-service/client.ts';
import { isUnsent } from '../auth-service/account/call-outcome.ts';
import { HostRefusedError } from '../auth-service/account/host-refused-error.ts';
import { type RequestMeta, requestMetaOf } from '../auth-service/caller.ts';
import { AppError, asAppError, isAppError } from '../errors.ts';
import { causesOf, type Log } from '../platform/log.ts';
import type { Metrics } from '../platform/metrics/metrics.ts';
import { type StartTimer, startSystemTimer } from '../platform/start-timer.ts';
import type { AccountLimiter } from '../rate-limit/account-limiter.ts';

/**
 * What became of a request for a password-reset mail. `accepted`: the Auth Service took it, which says nothing about a mail.
 * `refused`: it refused the address. `unsent`: the call did not reach it, or it has no such endpoint.
 */
export type ResetMailOutcome = 'accepted' | 'refused' | 'failed' | 'unsent';

export type ResetMailsOptions = {
  authService: Pick<AuthServiceClient, 'requestPasswordReset'>;
  limiter: Pick<AccountLimiter, 'resetMail'>;
  log: Log;
  metrics: Pick<Metrics, 'countResetMail'>;
  /** Starts the timer of the answer, and the timeout of `close`. Default `setTimeout`. */
  startTimer?: StartTimer | undefined;
};

export type ResetMailRequest = RequestMeta & { as: PersonType; email: string };

/** When the answer comes, in milliseconds after the request. A mail is usually sent by then. */
const answerAfterMs = 1_000;
/** Calls in progress, including those whose answer was sent. */
const maxRunning = 200;
/** How long `close` waits for calls in progress. */
const closeTimeoutMs = 2_000;

/** Whether the failure is the same for every address, so that the caller may learn of it. A status never is. */
const isForEveryAddress = (error: unknown): boolean =>
  isUnsent(error) || isAppError(error, 'not_supported') || error instanceof HostRefusedError;

const outcomeOf = (error: unknown): ResetMailOutcome => {
  if (isForEveryAddress(error)) return 'unsent';
  return isAppError(error, 'invalid_input') ? 'refused' : 'failed';
};

/**
 * Has password-reset mails sent. The answer is the same for known and unknown addresses, and comes at the same moment: the
 * Auth Service takes longer if it sends a mail. A call that takes longer goes on in the background.
 */
export const createResetMails = (options: ResetMailsOptions) => {
  const { authService, limiter, log, metrics, startTimer = startSystemTimer } = options;
  const running = new Set<Promise<unknown>>();

  const logFailure = (error: AppError, { requestId }: RequestMeta): void => {
    const fields = { requestId, reason: error.reason, status: error.upstream, causes: causesOf(error.cause) };
    log.error(
      fields,
      'A password-reset mail was probably not sent, because a call of the Auth Service failed. The caller was not told: the failure may depend on whether a person has the address. Check the log and the mail settings of the Auth Service.',
    );
  };

  const timer = (ms: number) => {
    let cancel = () => {};
    const fired = new Promise<void>((resolve) => {
      cancel = startTimer(resolve, ms);
    });
    return { fired, cancel };
  };

  return {
    /**
     * Throws `rate_limited` at once, and at the moment of the answer what cannot depend on the address: `overloaded`,
     * `auth_service_unavailable` if the call did not reach the Auth Service, and `not_supported`.
     */
    async request({ as, email, ...meta }: ResetMailRequest): Promise<void> {
      if (running.size >= maxRunning) throw new AppError('overloaded', { retryAfterSeconds: 1 });
      const answer = timer(answerAfterMs);
      const state = { isCalled: false, isAnswered: false, told: null as AppError | null };

      const call = limiter
        .resetMail({ email, address: meta.address }, () => {
          state.isCalled = true;
          return authService.requestPasswordReset({ as, email, ...requestMetaOf(meta) });
        })
        .then(
          () => metrics.countResetMail('accepted'),
          (cause: unknown) => {
            if (!state.isCalled) throw cause;
            const error = asAppError(cause);
            const outcome = outcomeOf(error);
            metrics.countResetMail(outcome);
            if (isForEveryAddress(error) && !state.isAnswered) state.told = error;
            else if (outcome !== 'refused') logFailure(error, meta);
          },
        );
      running.add(call);
      const forget = () => void running.delete(call);
      call.then(forget, forget);

      try {
        // Only the limit can reject the call.
        await Promise.race([answer.fired, call.then(() => answer.fired)]);
      } finally {
        state.isAnswered = true;
        answer.cancel();
      }
      if (state.told !== null) throw state.told;
    },

    /** Waits for the calls in progress, for at most two seconds. */
    async close(): Promise<void> {
      if (running.size === 0) return;
      const timeout = timer(closeTimeoutMs);
      await Promise.race([Promise.allSettled(running), timeout.fired]);
      timeout.cancel();
    },
  };
};

export type ResetMails = ReturnType<typeof createResetMails>;
