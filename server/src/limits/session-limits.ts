import type { PersonType } from '@auth-bff/shared';
import type { BlindNames } from '../blind-names.ts';
import { AppError } from '../errors.ts';
import type { HitCounter } from './hit-counter.ts';

/** The limits that somebody who guesses runs into. */
export type SessionLimit = 'sign_in' | 'second_factor' | 'refresh';

export type SessionLimitsOptions = {
  counter: HitCounter;
  names: BlindNames;
  /** What stands for an address: of IPv6 a whole network is one customer's. */
  networkOf: (address: string) => string;
  /** Told of each refusal. */
  onLimited?: ((limit: SessionLimit) => void) | undefined;
};

const minuteMs = 60_000;

/** One spelling for each e-mail address: Unicode's compatible forms, spaces around it and capitals are no other person. */
const normalizeEmail = (email: string) => email.normalize('NFKC').trim().toLowerCase();

/** What may be tried how often. Each throws `rate_limited` with the seconds until its window ends. */
export const createSessionLimits = ({ counter, names, networkOf, onLimited }: SessionLimitsOptions) => {
  const hit = async (limit: SessionLimit, what: string, most: number, windowMs: number): Promise<void> => {
    const { count, resetMs } = await counter.add(names(`limit ${limit}`, what), { windowMs });
    if (count <= most) return;
    onLimited?.(limit);
    throw new AppError('rate_limited', { retryAfterSeconds: Math.max(1, Math.ceil(resetMs / 1000)) });
  };

  return {
    /** 100 a minute from an address, 10 of them for one e-mail address; 30 for an e-mail address from anywhere. */
    async signIn({ email, address }: { email: string; address: string | undefined }): Promise<void> {
      const person = normalizeEmail(email);
      const network = networkOf(address ?? '');
      // One after the other: who is refused here does not use up what others may try for the same person.
      await hit('sign_in', `address ${network}`, 100, minuteMs);
      await hit('sign_in', `both ${network} ${person}`, 10, minuteMs);
      await hit('sign_in', `email ${person}`, 30, minuteMs);
    },
    /** 10 codes in 10 minutes for one person, whatever challenge they come with. */
    secondFactor: ({ as, email }: { as: PersonType; email: string }): Promise<void> =>
      hit('second_factor', `${as} ${normalizeEmail(email)}`, 10, 10 * minuteMs),
    /** 30 exchanges a minute for one subject. */
    refresh: (subject: string): Promise<void> => hit('refresh', subject, 30, minuteMs),
  };
};

export type SessionLimits = ReturnType<typeof createSessionLimits>;
