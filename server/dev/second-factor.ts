import { randomInt } from 'node:crypto';
import type { Subject } from './people.ts';

const VALID_MS = 10 * 60 * 1000;

const keyOf = ({ type, id }: Subject) => `${type}:${id}`;

type Told = { code: string; expiresAt: number };

/** Second-factor codes: six digits, valid ten minutes, good for one sign-in; a new one replaces the last. */
export const createSecondFactor = ({ now, log }: { now: () => number; log: (line: string) => void }) => {
  const pending = new Map<string, Told>();
  const lastCodes = new Map<string, string>();

  return {
    tell: (subject: Subject, email: string): void => {
      const code = String(randomInt(1_000_000)).padStart(6, '0');
      pending.set(keyOf(subject), { code, expiresAt: now() + VALID_MS });
      lastCodes.set(email.toLowerCase(), code);
      log(`Second-factor code for ${email}: ${code}`);
    },
    redeem: (subject: Subject, code: string): 'ok' | 'wrong' | 'expired' => {
      const told = pending.get(keyOf(subject));
      if (told?.code !== code) return 'wrong';
      pending.delete(keyOf(subject));
      return now() < told.expiresAt ? 'ok' : 'expired';
    },
    lastCode: (email: string): string | null => lastCodes.get(email.toLowerCase()) ?? null,
  };
};

export type SecondFactor = ReturnType<typeof createSecondFactor>;
