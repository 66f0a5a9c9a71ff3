import type { PersonType } from '@auth-bff/shared';
import type { KeyHasher } from '../platform/key-hasher.ts';
import { foldEmail } from './fold-email.ts';
import { rateLimited, reserveAll, type Reserved } from './reserve-all.ts';
import type { Reservation, TryCounter } from './attempt-counter.ts';

export type Account = { as: PersonType; email: string };

export type AccountTriesOptions = {
  /** Makes a counter with windows of its own. */
  createCounter: () => TryCounter;
  names: KeyHasher;
};

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;

/** How long a browser that signed in is known for its account. */
export const deviceLifetimeMs = 90 * dayMs;

type Rules = {
  /** Wrong passwords in a row that lock the account upstream. */
  lockedAfter: number;
  /** How long the lock holds. */
  windowMs: number;
  /** Failed tries of strangers before nobody of them may try for `windowMs`. */
  strangersAtOnce: number;
  /** Failed tries of strangers since the last sign-in, if the account has a known browser. */
  strangersSinceSignIn: number;
};

/** Source of the locks: ../shared/design/auth-service-deployed.md, section 9. Both sums stay below `lockedAfter`. */
const rulesOf: Record<PersonType, Rules> = {
  staff: { lockedAfter: 10, windowMs: 15 * minuteMs, strangersAtOnce: 7, strangersSinceSignIn: 8 },
  employee: { lockedAfter: 5, windowMs: 30 * minuteMs, strangersAtOnce: 3, strangersSinceSignIn: 4 },
};

/** When failed tries since the last sign-in are forgotten: a person whose known browser is lost must get in some day. */
const forgottenAfterMs = dayMs;
/** Tries that each known browser has in a window, whatever others did: one more after the password was mistyped once. */
const alwaysForDevice = 2;

const free: Reservation = { isCounted: true, count: 0, resetMs: 0, release: () => {} };

/**
 * Counts failed sign-ins per account, so that strangers can neither lock it upstream nor use up the tries of its known
 * browsers. Upstream counts wrong passwords in a row, without end, until a right one or a lock. So this counts since the
 * last sign-in, too. A stranger is a browser without a valid device cookie for the account.
 *
 * The strangers' window counts all spellings of an e-mail address together. The rest goes by the exact spelling: somebody
 * may own an account whose address differs by case alone, and signing in there must not reset the counts of this one.
 */
export const createAccountTries = ({ createCounter, names }: AccountTriesOptions) => {
  // No counter but the first can be filled with made-up accounts and browsers.
  const strangers = createCounter();
  const signIns = createCounter();
  const sinceSignIn = createCounter();
  const devices = createCounter();

  const exact = ({ as, email }: Account) => `${as} ${email}`;
  const signInsName = (account: Account) => names('sign-ins of account', exact(account));
  /** Each sign-in begins a new count. */
  const sinceNames = (account: Account, signInCount: number) => ({
    strangers: names('strangers since sign-in', `${signInCount} ${exact(account)}`),
    devices: names('devices since sign-in', `${signInCount} ${exact(account)}`),
  });

  /** Remembers that the account has a known browser, and forgets the failed tries before. */
  const noteSignIn = async (account: Account): Promise<void> => {
    await signIns.reserve(signInsName(account), { windowMs: deviceLifetimeMs, restartOn: 'counted' });
  };

  const reserveSinceSignIn = async (account: Account): Promise<Reservation> => {
    const { count: signInCount } = await signIns.look(signInsName(account));
    // No browser is known that a lock upstream would keep out.
    if (signInCount === 0) return free;
    const { lockedAfter, strangersSinceSignIn } = rulesOf[account.as];
    const since = sinceNames(account, signInCount);
    const { count: byDevices } = await sinceSignIn.look(since.devices);
    return sinceSignIn.reserve(since.strangers, {
      max: Math.min(strangersSinceSignIn, lockedAfter - 1 - byDevices),
      windowMs: forgottenAfterMs,
      restartOn: 'counted',
    });
  };

  return {
    noteSignIn,

    /** Counts a try from a browser that is not known for the account. Throws `rate_limited`. */
    reserveForStranger: (account: Account): Promise<Reserved> => {
      const { strangersAtOnce: max, windowMs } = rulesOf[account.as];
      const name = names('strangers', `${account.as} ${foldEmail(account.email)}`);
      return reserveAll([
        // While somebody keeps trying, the window does not end.
        () => strangers.reserve(name, { max, windowMs, restartOn: 'any' }),
        () => reserveSinceSignIn(account),
      ]);
    },

    /**
     * Counts a try from a known browser. Throws `rate_limited` if a wrong password might lock the account upstream and
     * this browser has had two tries within the time that a lock would hold.
     */
    async reserveForDevice(account: Account, deviceId: string): Promise<Reserved> {
      const { lockedAfter, windowMs, strangersSinceSignIn } = rulesOf[account.as];
      // The cookie proves that there is a known browser, also to a process that was restarted without Redis.
      const { count: signInCount } = await signIns.reserve(signInsName(account), {
        max: 1,
        windowMs: deviceLifetimeMs,
        restartOn: 'counted',
      });
      const since = sinceNames(account, signInCount);
      const { count: byStrangers } = await sinceSignIn.look(since.strangers);
      const sinceOptions = { windowMs: forgottenAfterMs, restartOn: 'counted' } as const;
      const mayFail = lockedAfter - 1 - Math.min(byStrangers, strangersSinceSignIn);
      const own = await devices.reserve(names('device', deviceId), { windowMs });
      const belowLock = await sinceSignIn.reserve(since.devices, { ...sinceOptions, max: mayFail });
      if (!belowLock.isCounted && own.count > alwaysForDevice) {
        await own.release();
        throw rateLimited(own);
      }
      const counted = belowLock.isCounted ? belowLock : await sinceSignIn.reserve(since.devices, sinceOptions);
      return { release: async () => void (await Promise.all([own.release(), counted.release()])) };
    },
  };
};

export type AccountTries = ReturnType<typeof createAccountTries>;
