import { hkdfSync, randomUUID } from 'node:crypto';
import { PersonType } from '@auth-bff/shared';
import { CompactEncrypt, compactDecrypt } from 'jose';
import { z } from 'zod';
import type { BlindNames } from '../blind-names.ts';
import { AppError, isAppError } from '../errors.ts';
import type { HitCounter } from '../limits/hit-counter.ts';

const livesForMs = 10 * 60_000;
const maxWrongCodes = 5;
/** More than anybody has tries for. */
const burnt = 1_000_000;

export type ChallengesOptions = {
  sealingSecret: string;
  now: () => number;
  /** Counts the tries: all replicas' where they share it. */
  counter: HitCounter;
  names: BlindNames;
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

const usedUp = () => new AppError('otp_invalid', { message: 'This sign-in is used up or too old: sign in again.' });

/**
 * What stands between a password and its second factor. The browser carries it sealed, for the upstream's
 * temporary token in it works as a full access token there. It dies after 10 minutes, with its first
 * success, and with its fifth wrong code. Every fault of it is `otp_invalid`.
 */
export const createChallenges = ({ sealingSecret, now, counter, names }: ChallengesOptions) => {
  const key = new Uint8Array(hkdfSync('sha256', sealingSecret, '', 'auth-bff second-factor challenge', 32));

  const open = async (challenge: string): Promise<z.infer<typeof Sealed>> => {
    try {
      const { plaintext } = await compactDecrypt(challenge, key, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      return Sealed.parse(JSON.parse(new TextDecoder().decode(plaintext)));
    } catch {
      throw new AppError('otp_invalid', { message: 'This is not a challenge of ours: sign in again.' });
    }
  };

  return {
    async seal(pending: PendingSignIn): Promise<string> {
      const sealed: z.infer<typeof Sealed> = { ...pending, id: randomUUID(), expiresAtMs: now() + livesForMs };
      return new CompactEncrypt(new TextEncoder().encode(JSON.stringify(sealed)))
        .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
        .encrypt(key);
    },

    /** Tries a code: `verify` asks upstream. An attempt that upstream could not judge costs nothing. */
    async attempt<Result>(challenge: string, verify: (pending: PendingSignIn) => Promise<Result>): Promise<Result> {
      const { id, expiresAtMs, ...pending } = await open(challenge);
      const count = async (by: number): Promise<number> =>
        (await counter.add(names('challenge', id), { windowMs: livesForMs, by })).count;
      // Counted before upstream is asked, or many guesses at once would all be the first.
      if (expiresAtMs <= now() || (await count(1)) > maxWrongCodes) throw usedUp();
      try {
        const result = await verify(pending);
        // Of several right codes at once, one signs in.
        if ((await count(burnt)) >= 2 * burnt) throw usedUp();
        return result;
      } catch (error) {
        // An answer that cannot be read counts: a service may say "wrong code" in any shape.
        if (isAppError(error, 'auth_service_unavailable', 'rate_limited')) await count(-1);
        throw error;
      }
    },
  };
};

export type Challenges = ReturnType<typeof createChallenges>;
