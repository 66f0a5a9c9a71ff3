import { randomUUID } from 'node:crypto';
import { PersonType } from '@auth-bff/shared';
import { z } from 'zod';
import type { KeyHasher } from '../../platform/key-hasher.ts';
import { AppError, isAppError } from '../../errors.ts';
import { isUnjudged } from '../../rate-limit/attempt-limiter.ts';
import type { TryCounter } from '../../rate-limit/attempt-counter.ts';
import { createSealer } from './sealer.ts';

const livesForMs = 10 * 60_000;
const maxCodes = 5;
/** The third try fails upstream where it uses a temporary token, even with the right code. */
const maxCodesWithTemporaryToken = 2;

export type ChallengesOptions = {
  sealingSecret: string;
  now: () => number;
  /** Counts the tries: all replicas' where they share it. */
  counter: TryCounter;
  names: KeyHasher;
};

/** A sign-in whose second factor is still to come. */
export type PendingSignIn = { as: PersonType; email: string; temporaryToken: string | null };

const Sealed = z.object({
  id: z.string(),
  expiresAtMs: z.number(),
  as: PersonType,
  email: z.string(),
  temporaryToken: z.string().nullable(),
});

const usedUp = (cause?: unknown) =>
  new AppError('otp_expired', {
    message: 'This sign-in is used up or too old: sign in again.',
    ...(cause === undefined ? {} : { cause }),
  });

/**
 * What stands between a password and its second factor. The browser carries it sealed, for the upstream's
 * temporary token in it works as a full access token there. It dies after 10 minutes, with its first success, and
 * with its last attempt: the fifth, or the second where the upstream uses a temporary token. From then on, and if it
 * is not ours, it is `otp_expired`.
 */
export const createChallenges = ({ sealingSecret, now, counter, names }: ChallengesOptions) => {
  const sealer = createSealer({ sealingSecret, label: 'auth-bff second-factor challenge' });

  const open = async (challenge: string): Promise<z.infer<typeof Sealed>> => {
    const sealed = Sealed.safeParse(await sealer.open(challenge));
    if (sealed.success) return sealed.data;
    throw new AppError('otp_expired', { message: 'This is not a challenge of ours: sign in again.' });
  };

  return {
    /** Whose second factor this is: the e-mail address as it was typed. Null: not a challenge of ours. */
    emailOf: (challenge: string): Promise<string | null> =>
      open(challenge).then(
        ({ email }) => email,
        () => null,
      ),

    seal: (pending: PendingSignIn): Promise<string> =>
      sealer.seal({ ...pending, id: randomUUID(), expiresAtMs: now() + livesForMs } satisfies z.infer<typeof Sealed>),

    /** Tries a code: `verify` asks upstream. An attempt that upstream could not judge costs nothing. A wrong code in the last attempt is `otp_expired`. */
    async attempt<Result>(challenge: string, verify: (pending: PendingSignIn) => Promise<Result>): Promise<Result> {
      const { id, expiresAtMs, ...pending } = await open(challenge);
      if (expiresAtMs <= now()) throw usedUp();
      const success = names('challenge success', id);
      if ((await counter.look(success)).count > 0) throw usedUp();
      const maxAttempts = pending.temporaryToken === null ? maxCodes : maxCodesWithTemporaryToken;
      // Counted before upstream is asked, or many guesses at once would all be the first.
      const attempt = await counter.reserve(names('challenge', id), { max: maxAttempts, windowMs: livesForMs });
      if (!attempt.isCounted) throw usedUp();
      try {
        const result = await verify(pending);
        // Of several right codes at once, one signs in.
        if (!(await counter.reserve(success, { max: 1, windowMs: livesForMs })).isCounted) throw usedUp();
        return result;
      } catch (error) {
        // An answer that cannot be read counts: a service may say "wrong code" in any shape.
        if (isUnjudged(error) || isAppError(error, 'rate_limited')) await attempt.release();
        if (attempt.count >= maxAttempts && isAppError(error, 'otp_invalid')) throw usedUp(error);
        throw error;
      }
    },
  };
};

export type Challenges = ReturnType<typeof createChallenges>;
