import { randomUUID } from 'node:crypto';
import { PersonType } from '@auth-bff/shared';
import { z } from 'zod';
import type { KeyHasher } from '../../platform/key-hasher.ts';
import { AppError, isAppError } from '../../errors.ts';
import { hasNoVerdict } from '../../rate-limit/attempt-limiter.ts';
import type { AttemptCounter } from '../../rate-limit/attempt-counter.ts';
import { createSealer } from './sealer.ts';

const lifetimeMs = 10 * 60_000;
const maxCodes = 5;
/** With a temporary token the Auth Service rejects the third attempt, even with the right code. */
const maxCodesWithTemporaryToken = 2;
/** Longer than a call of the Auth Service. A process that stops meanwhile blocks the challenge for this time. */
const renewalMs = 30_000;

export type ChallengesOptions = {
  sealingSecret: string;
  now: () => number;
  /** Counts the attempts, in all replicas if they share it. */
  counter: AttemptCounter;
  keyHasher: KeyHasher;
};

/** A sign-in that still needs its second factor. */
export type PendingSignIn = { as: PersonType; email: string; temporaryToken: string | null };

const Sealed = z.object({
  id: z.string(),
  expiresAtMs: z.number(),
  as: PersonType,
  email: z.string(),
  temporaryToken: z.string().nullable(),
});

const expired = (cause?: unknown) =>
  new AppError('otp_expired', {
    message: 'This sign-in has expired or was already used: sign in again.',
    ...(cause === undefined ? {} : { cause }),
  });

/**
 * The challenge connects the password step of a sign-in with its second factor. The browser holds it encrypted, because the
 * temporary token in it is a full access token for the Auth Service. It expires after 10 minutes, after its first success,
 * and after its last attempt: the fifth, or the second if the Auth Service uses a temporary token. An expired or forged
 * challenge is `otp_expired`.
 */
export const createChallenges = ({ sealingSecret, now, counter, keyHasher }: ChallengesOptions) => {
  const sealer = createSealer({ sealingSecret, label: 'auth-bff second-factor challenge' });

  const open = async (challenge: string): Promise<z.infer<typeof Sealed>> => {
    const sealed = Sealed.safeParse(await sealer.open(challenge));
    if (sealed.success) return sealed.data;
    throw new AppError('otp_expired', { message: 'This challenge was not issued by this service: sign in again.' });
  };

  /** Throws `otp_expired` for a challenge that is not ours, too old, or used by a sign-in or by a renewal. */
  const openUsable = async (challenge: string) => {
    const { id, expiresAtMs, ...pending } = await open(challenge);
    if (expiresAtMs <= now()) throw expired();
    const use = keyHasher('challenge success', id);
    if ((await counter.read(use)).count > 0) throw expired();
    return {
      pending,
      expiresAtMs,
      startedAtMs: expiresAtMs - lifetimeMs,
      attempts: keyHasher('challenge', id),
      renewals: keyHasher('challenge renewal', id),
      maxAttempts: pending.temporaryToken === null ? maxCodes : maxCodesWithTemporaryToken,
      /** Of several parallel sign-ins and renewals, only one uses the challenge. */
      async use(): Promise<void> {
        if (!(await counter.reserve(use, { max: 1, windowMs: lifetimeMs })).isCounted) throw expired();
      },
    };
  };

  const seal = (pending: PendingSignIn, expiresAtMs: number): Promise<string> =>
    sealer.seal({ ...pending, id: randomUUID(), expiresAtMs } satisfies z.infer<typeof Sealed>);

  return {
    /** The e-mail address of the sign-in, as it was typed. Null: the BFF did not issue this challenge. */
    emailOf: (challenge: string): Promise<string | null> =>
      open(challenge).then(
        ({ email }) => email,
        () => null,
      ),

    /** `startedAtMs`: before the password was sent to the Auth Service. The lifetime begins then. Default: now. */
    seal: (pending: PendingSignIn, startedAtMs = now()): Promise<string> => seal(pending, startedAtMs + lifetimeMs),

    /**
     * Has a new code sent with `send`, which calls the Auth Service. The new challenge replaces the old one and has all of
     * its attempts, but expires with it: a resend must not extend a sign-in. The temporary token of the deployed service
     * expires after 5 minutes, so that `send` throws `otp_expired` from then on. After a failure the old challenge can still
     * be used.
     *
     * Throws `rate_limited` while another renewal of the same challenge is in progress, so that a double click sends one mail.
     */
    async renew(challenge: string, send: (pending: PendingSignIn) => Promise<void>): Promise<string> {
      const { pending, expiresAtMs, attempts, renewals, maxAttempts, use } = await openUsable(challenge);
      if ((await counter.read(attempts)).count >= maxAttempts) throw expired();
      const renewal = await counter.reserve(renewals, { max: 1, windowMs: renewalMs });
      if (!renewal.isCounted) throw new AppError('rate_limited', { retryAfterSeconds: 1 });
      try {
        await send(pending);
        await use();
      } finally {
        await renewal.release();
      }
      return seal(pending, expiresAtMs);
    },

    /**
     * Tries a code with `verify`, which calls the Auth Service and learns when the sign-in began. An attempt without a verdict does not count. A wrong code in
     * the last attempt is `otp_expired`.
     */
    async attempt<Result>(
      challenge: string,
      verify: (pending: PendingSignIn, startedAtMs: number) => Promise<Result>,
    ): Promise<Result> {
      const { pending, startedAtMs, attempts, maxAttempts, use } = await openUsable(challenge);
      // Reserved before the call, so that parallel attempts cannot all be the first.
      const attempt = await counter.reserve(attempts, { max: maxAttempts, windowMs: lifetimeMs });
      if (!attempt.isCounted) throw expired();
      try {
        const result = await verify(pending, startedAtMs);
        await use();
        return result;
      } catch (error) {
        // An unreadable response counts: it may mean "wrong code" in an unknown format.
        if (hasNoVerdict(error) || isAppError(error, 'rate_limited')) await attempt.release();
        if (attempt.count >= maxAttempts && isAppError(error, 'otp_invalid')) throw expired(error);
        throw error;
      }
    },
  };
};

export type Challenges = ReturnType<typeof createChallenges>;
