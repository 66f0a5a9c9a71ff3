import type { SignInAnswer } from '../auth-service/sign-in-calls.ts';
import { isAppError } from '../errors.ts';
import type { KeyHasher } from '../platform/key-hasher.ts';
import { type Account, createAccountAttempts } from './account-attempts.ts';
import { type AttemptCounter, reserveAll, type ReservedAttempt } from './attempt-counter.ts';
import { foldEmail } from './fold-email.ts';
import { reportLimited } from './report-limited.ts';

/** The limits for clients that guess credentials. */
export type AttemptLimit = 'sign_in' | 'second_factor' | 'refresh';

export type AttemptLimiterOptions = {
  /** Creates a counter with separate windows, so that no limit can evict the windows of another. */
  createCounter: () => AttemptCounter;
  keyHasher: KeyHasher;
  /** The network of an address: one customer has a whole IPv6 network. */
  networkOf: (address: string) => string;
  /** Called for each rejected attempt. */
  onLimited?: ((limit: AttemptLimit) => void) | undefined;
};

export type SignInAttempt = Account & {
  address: string | undefined;
  /** The id of a browser from which the account has signed in before. Null: an unknown browser. */
  deviceId: string | null;
};

const minuteMs = 60_000;

/**
 * Whether the Auth Service gave no verdict: the BFF did not send the call (breaker open, overloaded), or the Auth Service
 * was unreachable, too slow, or answered 5xx or 429. An unreadable response may be a verdict in an unknown format, and
 * therefore is none of these.
 */
export const hasNoVerdict = (error: unknown): boolean => isAppError(error, 'auth_service_unavailable', 'overloaded');

/**
 * Limits sign-ins, second factors and refreshes. Each limit reserves an attempt before the call to the Auth Service, so that
 * parallel attempts cannot all pass, and releases it if its outcome does not count. Throws `rate_limited` with the seconds
 * until the window ends.
 */
export const createAttemptLimiter = ({ createCounter, keyHasher, networkOf, onLimited }: AttemptLimiterOptions) => {
  const addresses = createCounter();
  const addressesWithEmail = createCounter();
  const emails = createCounter();
  const devices = createCounter();
  const secondFactors = createCounter();
  const refreshes = createCounter();
  const accounts = createAccountAttempts({ createCounter, keyHasher });

  const atMost = (max: number, windowMs: number, counter: AttemptCounter, name: string) => () =>
    counter.reserve(name, { max, windowMs });

  const reserve = (limit: AttemptLimit, makeReservation: () => Promise<ReservedAttempt>): Promise<ReservedAttempt> =>
    reportLimited(makeReservation, () => onLimited?.(limit));

  /** Unknown browsers cannot use up the attempts of a known browser, even from the same address. */
  const reserveForSender = ({ email, address, deviceId }: SignInAttempt): Promise<ReservedAttempt> => {
    const nameOf = (sender: string) => keyHasher('limit sign_in', sender);
    if (deviceId !== null) return reserveAll([atMost(10, minuteMs, devices, nameOf(`device ${deviceId}`))]);
    const person = foldEmail(email);
    const network = networkOf(address ?? '');
    return reserveAll([
      atMost(100, minuteMs, addresses, nameOf(`address ${network}`)),
      atMost(10, minuteMs, addressesWithEmail, nameOf(`both ${network} ${person}`)),
      atMost(30, minuteMs, emails, nameOf(`email ${person}`)),
    ]);
  };
  const reserveForAccount = ({ deviceId, as, email }: SignInAttempt): Promise<ReservedAttempt> =>
    deviceId === null
      ? accounts.reserveForUnknownBrowser({ as, email })
      : accounts.reserveForDevice({ as, email }, deviceId);

  return {
    /**
     * An unknown browser has 100 attempts a minute from an address, 10 of them for one e-mail address, and 30 a minute for an
     * e-mail address from all addresses together. A known browser has 10 a minute. In addition, failed attempts count for the
     * account (`createAccountAttempts`).
     *
     * A success and an attempt without a verdict do not count. These outcomes count for the sender, but not for the account:
     * a right password that still needs a second factor, a missing captcha (the Auth Service checks it before the password),
     * and an unreadable response, such as the error page of a proxy.
     */
    async signIn(attempt: SignInAttempt, send: () => Promise<SignInAnswer>): Promise<SignInAnswer> {
      const sender = await reserve('sign_in', () => reserveForSender(attempt));
      const account = await reserve('sign_in', () => reserveForAccount(attempt)).catch(async (error: unknown) => {
        await sender.release();
        throw error;
      });
      try {
        const answer = await send();
        await account.release();
        if (answer.status === 'granted') await sender.release();
        return answer;
      } catch (error) {
        if (hasNoVerdict(error) || isAppError(error, 'captcha_required', 'auth_service_contract')) {
          await account.release();
        }
        if (hasNoVerdict(error)) await sender.release();
        throw error;
      }
    },

    /** Records a sign-in: the account has a known browser, and its earlier failed attempts no longer count. */
    noteSignIn: accounts.noteSignIn,

    /**
     * 10 wrong codes in 10 minutes for one person, across all challenges. Only holders of the password reach this limit.
     * `isUnjudged`: whether a failure says nothing about the code. Default: `hasNoVerdict`.
     */
    async secondFactor<Result>(
      { as, email }: Account,
      send: () => Promise<Result>,
      isUnjudged: (error: unknown) => boolean = hasNoVerdict,
    ): Promise<Result> {
      const name = keyHasher('limit second_factor', `${as} ${foldEmail(email)}`);
      const codes = await reserve('second_factor', () => reserveAll([atMost(10, 10 * minuteMs, secondFactors, name)]));
      try {
        const result = await send();
        await codes.release();
        return result;
      } catch (error) {
        if (isUnjudged(error)) await codes.release();
        throw error;
      }
    },

    /** 30 exchanges a minute for one subject, including successful ones. */
    async refresh<Result>(subject: string, send: () => Promise<Result>): Promise<Result> {
      const exchange = await reserve('refresh', () =>
        reserveAll([atMost(30, minuteMs, refreshes, keyHasher('limit refresh', subject))]),
      );
      try {
        return await send();
      } catch (error) {
        if (hasNoVerdict(error)) await exchange.release();
        throw error;
      }
    },
  };
};

export type AttemptLimiter = ReturnType<typeof createAttemptLimiter>;
