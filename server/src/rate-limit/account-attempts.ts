import type { PersonType } from '@auth-bff/shared';
import type { KeyHasher } from '../platform/key-hasher.ts';
import {
  type AttemptCounter,
  rateLimited,
  type Reservation,
  reserveAll,
  type ReservedAttempt,
} from './attempt-counter.ts';
import { foldEmail } from './fold-email.ts';

export type Account = { as: PersonType; email: string };

export type AccountAttemptsOptions = {
  /** Creates a counter with separate windows. */
  createCounter: () => AttemptCounter;
  keyHasher: KeyHasher;
};

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** How long a browser counts as known for an account after a sign-in. */
export const deviceLifetimeMs = 90 * dayMs;

type Rules = {
  /** Wrong passwords in a row after which the Auth Service locks the account. */
  lockedAfter: number;
  /** How long the lock lasts. */
  windowMs: number;
  /** Failed attempts of unknown browsers in `windowMs` after which unknown browsers are rejected. */
  unknownPerWindow: number;
  /** Failed attempts of unknown browsers since the last sign-in, if the account has a known browser. */
  unknownSinceSignIn: number;
};

/** Source of the locks: ../shared/design/auth-service-deployed.md, section 9. Both limits stay below `lockedAfter`. */
const rulesOf: Record<PersonType, Rules> = {
  staff: { lockedAfter: 10, windowMs: 15 * minuteMs, unknownPerWindow: 7, unknownSinceSignIn: 8 },
  employee: { lockedAfter: 5, windowMs: 30 * minuteMs, unknownPerWindow: 3, unknownSinceSignIn: 4 },
};

/** When the failed attempts since the last sign-in expire: a person who lost the known browser must be able to sign in. */
const sinceSignInTtlMs = dayMs;
/** Attempts that every known browser has in a window, regardless of other browsers: one retry after a mistyped password. */
const minPerDevice = 2;

const unlimited: Reservation = { isCounted: true, count: 0, resetMs: 0, release: () => {} };

/**
 * Counts failed sign-ins per account, so that unknown browsers can neither lock the account upstream nor use up the attempts
 * of its known browsers. An unknown browser has no valid device cookie for the account. The Auth Service counts wrong
 * passwords in a row until a right one or a lock, however long ago they were. The BFF therefore also counts since the last
 * sign-in.
 *
 * The window of unknown browsers counts all spellings of an e-mail address together. The other counters use the exact
 * spelling: an attacker may own an account whose address differs only in case, and a sign-in there must not reset the
 * counters of this account.
 */
export const createAccountAttempts = ({ createCounter, keyHasher }: AccountAttemptsOptions) => {
  // Made-up accounts and browsers can fill only the first counter.
  const unknownBrowsers = createCounter();
  const signIns = createCounter();
  const sinceSignIn = createCounter();
  const devices = createCounter();

  const exact = ({ as, email }: Account) => `${as} ${email}`;
  const signInsName = (account: Account) => keyHasher('sign-ins of account', exact(account));
  /** Each sign-in begins new counts. */
  const sinceNames = (account: Account, signInCount: number) => ({
    unknownBrowsers: keyHasher('strangers since sign-in', `${signInCount} ${exact(account)}`),
    devices: keyHasher('devices since sign-in', `${signInCount} ${exact(account)}`),
  });

  /** Records that the account has a known browser, and resets its failed attempts. */
  const noteSignIn = async (account: Account): Promise<void> => {
    await signIns.reserve(signInsName(account), { windowMs: deviceLifetimeMs, restartOn: 'counted' });
  };

  const reserveSinceSignIn = async (account: Account): Promise<Reservation> => {
    const { count: signInCount } = await signIns.read(signInsName(account));
    // The account has no known browser that an upstream lock would affect.
    if (signInCount === 0) return unlimited;
    const { lockedAfter, unknownSinceSignIn } = rulesOf[account.as];
    const since = sinceNames(account, signInCount);
    const { count: byDevices } = await sinceSignIn.read(since.devices);
    return sinceSignIn.reserve(since.unknownBrowsers, {
      max: Math.min(unknownSinceSignIn, lockedAfter - 1 - byDevices),
      windowMs: sinceSignInTtlMs,
      restartOn: 'counted',
    });
  };

  return {
    noteSignIn,

    /** Counts an attempt from an unknown browser. Throws `rate_limited`. */
    reserveForUnknownBrowser: (account: Account): Promise<ReservedAttempt> => {
      const { unknownPerWindow: max, windowMs } = rulesOf[account.as];
      const name = keyHasher('strangers', `${account.as} ${foldEmail(account.email)}`);
      return reserveAll([
        // Every further attempt extends the window.
        () => unknownBrowsers.reserve(name, { max, windowMs, restartOn: 'any' }),
        () => reserveSinceSignIn(account),
      ]);
    },

    /**
     * Counts an attempt from a known browser. Throws `rate_limited` if a wrong password might lock the account upstream and
     * this browser has had two attempts within the duration of a lock.
     */
    async reserveForDevice(account: Account, deviceId: string): Promise<ReservedAttempt> {
      const { lockedAfter, windowMs, unknownSinceSignIn } = rulesOf[account.as];
      // The cookie proves that the account has a known browser, even after a restart without Redis.
      const { count: signInCount } = await signIns.reserve(signInsName(account), {
        max: 1,
        windowMs: deviceLifetimeMs,
        restartOn: 'counted',
      });
      const since = sinceNames(account, signInCount);
      const { count: byUnknownBrowsers } = await sinceSignIn.read(since.unknownBrowsers);
      const sinceOptions = { windowMs: sinceSignInTtlMs, restartOn: 'counted' } as const;
      const maxBelowLock = lockedAfter - 1 - Math.min(byUnknownBrowsers, unknownSinceSignIn);
      const own = await devices.reserve(keyHasher('device', deviceId), { windowMs });
      const belowLock = await sinceSignIn.reserve(since.devices, { ...sinceOptions, max: maxBelowLock });
      if (!belowLock.isCounted && own.count > minPerDevice) {
        await own.release();
        throw rateLimited(own);
      }
      const counted = belowLock.isCounted ? belowLock : await sinceSignIn.reserve(since.devices, sinceOptions);
      return { release: async () => void (await Promise.all([own.release(), counted.release()])) };
    },
  };
};
