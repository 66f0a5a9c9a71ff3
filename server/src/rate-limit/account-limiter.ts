import { isUnsent } from '../auth-service/account/call-outcome.ts';
import { type AppError, isAppError } from '../errors.ts';
import { type Caller, personOf } from '../auth-service/caller.ts';
import type { Account } from './account-attempts.ts';
import { type AttemptCounter, reserveAll, type ReservedAttempt } from './attempt-counter.ts';
import { type AttemptLimiter, type AttemptLimiterOptions, hasNoVerdict } from './attempt-limiter.ts';
import { foldEmail } from './fold-email.ts';
import { reportLimited } from './report-limited.ts';

/** The limits for everything that takes a password or sends a mail, besides sign-in. */
export type AccountLimit = 'password' | 'second_factor_mail' | 'password_reset_mail' | 'password_reset';

export type AccountLimiterOptions = Pick<AttemptLimiterOptions, 'createCounter' | 'keyHasher' | 'networkOf'> & {
  attemptLimiter: Pick<AttemptLimiter, 'secondFactor'>;
  /** Called for each rejected attempt. */
  onLimited?: ((limit: AccountLimit) => void) | undefined;
};

type Person = Pick<Caller, 'type' | 'id'>;
/** The person who types a password, and where the issue of a wrong one is in `invalid_input`. */
type PasswordAttempt = { person: Person; path: 'currentPassword' | 'password' };
type ResetMailRequest = { email: string; address: string | undefined };

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Whether `invalid_input` names other fields only, so that this one was right or was not looked at. */
const concernsOthers = ({ issues = [] }: AppError, path: string): boolean =>
  issues.length > 0 && issues.every((issue) => issue.path !== path);

/** Whether the outcome says nothing about the password, or that it was right. An unreadable response counts as wrong. */
const isNoWrongPassword = (error: unknown, path: string): boolean =>
  hasNoVerdict(error) ||
  isAppError(error, 'not_supported', 'session_ended', 'otp_invalid', 'rate_limited') ||
  (isAppError(error, 'invalid_input') && concernsOthers(error, path));

/** Whether the outcome says nothing about the code: the Auth Service checks the password first. */
const isNoWrongCode = (error: unknown): boolean => {
  if (isAppError(error, 'invalid_input')) return concernsOthers(error, 'code');
  return !isAppError(error, 'otp_invalid', 'auth_service_contract');
};

/** Whether no mail can have been sent. A timeout or a 5xx may come after the mail. */
const isWithoutMail = (error: unknown): boolean =>
  isUnsent(error) || isAppError(error, 'not_supported', 'invalid_input', 'session_ended', 'otp_expired');

/**
 * Limits what people do to their account. Each limit reserves an attempt before the call to the Auth Service, which itself
 * limits none of these calls, and releases it if its outcome does not count. Throws `rate_limited` with the seconds until
 * the window ends. No limit here affects a sign-in with the right password.
 */
export const createAccountLimiter = (options: AccountLimiterOptions) => {
  const { createCounter, keyHasher, networkOf, attemptLimiter, onLimited } = options;
  const passwords = createCounter();
  const requestedCodes = createCounter();
  const resentCodes = createCounter();
  const resetNetworks = createCounter();
  const resetNetworksWithEmail = createCounter();
  const resetEmails = createCounter();
  const resets = createCounter();

  type Window = [max: number, windowMs: number, counter: AttemptCounter, name: string];

  const reserve = (limit: AccountLimit, windows: readonly Window[]): Promise<ReservedAttempt> =>
    reportLimited(
      () =>
        reserveAll(
          windows.map(
            ([max, windowMs, counter, name]) =>
              () =>
                counter.reserve(keyHasher(`limit ${limit}`, name), { max, windowMs }),
          ),
        ),
      () => onLimited?.(limit),
    );

  /** Sends the call, and releases its attempt unless the outcome counts. */
  const send = async <Result>(
    attempt: ReservedAttempt,
    call: () => Promise<Result>,
    counts: { success: boolean; failure: (error: unknown) => boolean },
  ): Promise<Result> => {
    try {
      const result = await call();
      if (!counts.success) await attempt.release();
      return result;
    } catch (error) {
      if (!counts.failure(error)) await attempt.release();
      throw error;
    }
  };
  const mails = { success: true, failure: (error: unknown) => !isWithoutMail(error) };

  const limiter = {
    /** 5 wrong passwords in 15 minutes for a signed-in person, in all browsers together. */
    async password<Result>({ person, path }: PasswordAttempt, call: () => Promise<Result>): Promise<Result> {
      const attempt = await reserve('password', [[5, 15 * minuteMs, passwords, personOf(person)]]);
      return send(attempt, call, { success: false, failure: (error) => !isNoWrongPassword(error, path) });
    },

    /**
     * A password and, unless `hasCode` is false, a code. Wrong codes count together with those of the person's sign-ins.
     * `email` is null if the token does not say it: such people have a count of their own.
     */
    passwordWithCode<Result>(
      { person, email, hasCode }: { person: Person; email: string | null; hasCode: boolean },
      call: () => Promise<Result>,
    ): Promise<Result> {
      const account: Account = { as: person.type, email: email ?? `number ${person.id}` };
      return limiter.password({ person, path: 'password' }, () =>
        hasCode ? attemptLimiter.secondFactor(account, call, isNoWrongCode) : call(),
      );
    },

    /** 5 mails with a code in 10 minutes for a signed-in person. */
    async requestCode<Result>(person: Person, call: () => Promise<Result>): Promise<Result> {
      const name = `code ${personOf(person)}`;
      return send(await reserve('second_factor_mail', [[5, 10 * minuteMs, requestedCodes, name]]), call, mails);
    },

    /** 5 further mails with a code in 10 minutes for an account, during its sign-ins. */
    async resendCode<Result>({ as, email }: Account, call: () => Promise<Result>): Promise<Result> {
      const name = `resent ${as} ${foldEmail(email)}`;
      return send(await reserve('second_factor_mail', [[5, 10 * minuteMs, resentCodes, name]]), call, mails);
    },

    /**
     * 30 requests in 10 minutes from a network, 3 of them for one e-mail address, and 10 in an hour for an e-mail address
     * from all networks. Counts the same whether anybody has the address.
     */
    async resetMail<Result>({ email, address }: ResetMailRequest, call: () => Promise<Result>): Promise<Result> {
      const person = foldEmail(email);
      const network = networkOf(address ?? '');
      const attempt = await reserve('password_reset_mail', [
        [30, 10 * minuteMs, resetNetworks, `network ${network}`],
        [3, 10 * minuteMs, resetNetworksWithEmail, `both ${network} ${person}`],
        [10, hourMs, resetEmails, `email ${person}`],
      ]);
      return send(attempt, call, {
        success: true,
        failure: (error) => !isUnsent(error) && !isAppError(error, 'not_supported'),
      });
    },

    /** 20 tokens in 10 minutes from a network. A success does not count. */
    async resetPassword<Result>({ address }: { address?: string | undefined }, call: () => Promise<Result>) {
      const network = networkOf(address ?? '');
      const attempt = await reserve('password_reset', [[20, 10 * minuteMs, resets, `reset ${network}`]]);
      return send(attempt, call, {
        success: false,
        failure: (error) => !hasNoVerdict(error) && !isAppError(error, 'not_supported'),
      });
    },
  };
  return limiter;
};

export type AccountLimiter = ReturnType<typeof createAccountLimiter>;
