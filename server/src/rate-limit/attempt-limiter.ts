import type { SignInAnswer } from '../auth-service/sign-in-calls.ts';
import type { KeyHasher } from '../platform/key-hasher.ts';
import { isAppError } from '../errors.ts';
import { type Account, createAccountTries } from './account-attempts.ts';
import { foldEmail } from './fold-email.ts';
import { reserveAll, type Reserved } from './reserve-all.ts';
import type { TryCounter } from './attempt-counter.ts';

/** The limits that somebody who guesses runs into. */
export type SessionLimit = 'sign_in' | 'second_factor' | 'refresh';

export type SessionLimitsOptions = {
  /** Makes a counter with windows of its own, so that no kind of try can push out the windows of another. */
  createCounter: () => TryCounter;
  names: KeyHasher;
  /** What stands for an address: of IPv6 a whole network is one customer's. */
  networkOf: (address: string) => string;
  /** Told of each refusal. */
  onLimited?: ((limit: SessionLimit) => void) | undefined;
};

export type SignInAttempt = Account & {
  address: string | undefined;
  /** The browser, if it has signed in to this account before. Null: a stranger. */
  deviceId: string | null;
};

const minuteMs = 60_000;

/**
 * Whether the Auth Service gave no verdict: the BFF did not send the call (breaker open, overloaded), or the Auth Service
 * was unreachable, too slow, or answered 5xx or 429. An answer that cannot be read is none of these: it may be a verdict
 * in a shape that the BFF does not know.
 */
export const isUnjudged = (error: unknown): boolean => isAppError(error, 'auth_service_unavailable', 'overloaded');

/**
 * How often somebody may try to sign in, send codes and refresh. Each limit counts a try before it asks the Auth Service,
 * so that parallel tries cannot all pass, and takes it back if its outcome does not count. Throws `rate_limited` with the
 * seconds until the window ends.
 */
export const createSessionLimits = ({ createCounter, names, networkOf, onLimited }: SessionLimitsOptions) => {
  const addresses = createCounter();
  const pairs = createCounter();
  const emails = createCounter();
  const devices = createCounter();
  const secondFactors = createCounter();
  const refreshes = createCounter();
  const accounts = createAccountTries({ createCounter, names });

  const atMost = (max: number, windowMs: number, counter: TryCounter, name: string) => () =>
    counter.reserve(name, { max, windowMs });

  const reserve = async (limit: SessionLimit, make: () => Promise<Reserved>): Promise<Reserved> => {
    try {
      return await make();
    } catch (error) {
      if (isAppError(error, 'rate_limited')) onLimited?.(limit);
      throw error;
    }
  };

  /** Strangers cannot use up the tries of a known browser, not even from its own address. */
  const reserveForSender = ({ email, address, deviceId }: SignInAttempt): Promise<Reserved> => {
    const nameOf = (sender: string) => names('limit sign_in', sender);
    if (deviceId !== null) return reserveAll([atMost(10, minuteMs, devices, nameOf(`device ${deviceId}`))]);
    const person = foldEmail(email);
    const network = networkOf(address ?? '');
    return reserveAll([
      atMost(100, minuteMs, addresses, nameOf(`address ${network}`)),
      atMost(10, minuteMs, pairs, nameOf(`both ${network} ${person}`)),
      atMost(30, minuteMs, emails, nameOf(`email ${person}`)),
    ]);
  };
  const reserveForAccount = ({ deviceId, as, email }: SignInAttempt): Promise<Reserved> =>
    deviceId === null ? accounts.reserveForStranger({ as, email }) : accounts.reserveForDevice({ as, email }, deviceId);

  return {
    /**
     * For a stranger 100 tries a minute from an address, 10 of them for one e-mail address, and 30 a minute for an e-mail
     * address from anywhere; for a known browser 10 a minute. Beside these, failed tries count for the account, by
     * account-tries.ts.
     *
     * A success, and a try without a verdict, count nowhere. These count for the sender, but not for the account: a right
     * password whose second factor is due, a missing captcha (upstream looks at it before the password), and an answer
     * that cannot be read, such as the page of a proxy.
     */
    async signIn(attempt: SignInAttempt, ask: () => Promise<SignInAnswer>): Promise<SignInAnswer> {
      const sender = await reserve('sign_in', () => reserveForSender(attempt));
      const account = await reserve('sign_in', () => reserveForAccount(attempt)).catch(async (error: unknown) => {
        await sender.release();
        throw error;
      });
      try {
        const answer = await ask();
        await account.release();
        if (answer.status === 'granted') await sender.release();
        return answer;
      } catch (error) {
        if (isUnjudged(error) || isAppError(error, 'captcha_required', 'auth_service_contract'))
          await account.release();
        if (isUnjudged(error)) await sender.release();
        throw error;
      }
    },

    /** Somebody has signed in to the account: its failed tries before count no longer, and it has a known browser. */
    noteSignIn: accounts.noteSignIn,

    /** 10 wrong codes in 10 minutes for one person, whatever challenge they come with. Only holders of the password get here. */
    async secondFactor<Result>({ as, email }: Account, ask: () => Promise<Result>): Promise<Result> {
      const name = names('limit second_factor', `${as} ${foldEmail(email)}`);
      const codes = await reserve('second_factor', () => reserveAll([atMost(10, 10 * minuteMs, secondFactors, name)]));
      try {
        const result = await ask();
        await codes.release();
        return result;
      } catch (error) {
        if (isUnjudged(error)) await codes.release();
        throw error;
      }
    },

    /** 30 exchanges a minute for one subject, successful ones included. */
    async refresh<Result>(subject: string, ask: () => Promise<Result>): Promise<Result> {
      const exchange = await reserve('refresh', () =>
        reserveAll([atMost(30, minuteMs, refreshes, names('limit refresh', subject))]),
      );
      try {
        return await ask();
      } catch (error) {
        if (isUnjudged(error)) await exchange.release();
        throw error;
      }
    },
  };
};

export type SessionLimits = ReturnType<typeof createSessionLimits>;
