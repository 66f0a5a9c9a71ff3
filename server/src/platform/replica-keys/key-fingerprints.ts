import { hkdfSync } from 'node:crypto';
import { z } from 'zod';
import type { Config } from '../../config.ts';

const KeyFingerprintsSchema = z.object({ sealing: z.string(), signing: z.array(z.string()) });

/** Fingerprints of a replica's keys, which replicas exchange to compare them. */
export type KeyFingerprints = {
  sealing: string;
  /** The current key, then previous ones. Empty with `TOKEN_VALIDATION=remote`. */
  signing: string[];
};

const fingerprintBytes = 3;

/**
 * Fingerprints of a replica's keys, in hexadecimal. They are stored in Redis, so they must not help to guess a key:
 *
 * - HKDF is one-way. The label of each purpose and the prefix as salt make them useless elsewhere: no token, no sealed
 *   value and no other fingerprint holds the same bytes, and two environments with one key do not show it.
 * - One guess costs as much work as a guess at any JWT that the key has signed, which everybody who signs in has.
 * - 24 bits cannot confirm a guess: about 60 of a billion candidates match by chance. Two different keys look equal in one
 *   of 17 million cases.
 */
export const fingerprintKeys = ({
  sealingSecret,
  signingKeys,
  redisPrefix,
}: Pick<Config, 'sealingSecret' | 'signingKeys' | 'redisPrefix'>): KeyFingerprints => {
  const fingerprint = (purpose: string, key: string): string =>
    Buffer.from(hkdfSync('sha256', key, redisPrefix, `auth-bff fingerprint: ${purpose}`, fingerprintBytes)).toString(
      'hex',
    );
  return {
    sealing: fingerprint('SEALING_KEY', sealingSecret),
    signing: signingKeys.map((key) => fingerprint('DJANGO_JWT_SIGNING_KEY', key)),
  };
};

/** Parses the fingerprints of another replica. Null: another version wrote them, or another program. */
export const readFingerprints = (text: string): KeyFingerprints | null => {
  try {
    return KeyFingerprintsSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
};
