import { randomInt } from 'node:crypto';
import type { Subject } from './people/people.ts';

export type SecondFactorOptions = {
  now: () => number;
  /** Is told each code with its address. */
  log: (line: string) => void;
  /** Milliseconds that a code is good for. */
  validForMs: number;
  /** Tries after which even the right code is refused. The try itself counts. */
  rejectedFromAttempt: number;
};

const keyOf = ({ type, id }: Subject) => `${type}:${id}`;

type LiveCode = { code: string; expiresAt: number; attempts: number };

/** Second-factor codes: six digits, good for one sign-in. Each person has one live code; a new one replaces it. */
export const createSecondFactor = ({ now, log, validForMs, rejectedFromAttempt }: SecondFactorOptions) => {
  const live = new Map<string, LiveCode>();
  const lastCodes = new Map<string, string>();

  return {
    send: (subject: Subject, email: string): void => {
      const code = String(randomInt(1_000_000)).padStart(6, '0');
      live.set(keyOf(subject), { code, expiresAt: now() + validForMs, attempts: 0 });
      lastCodes.set(email.toLowerCase(), code);
      log(`Second-factor code for ${email}: ${code}`);
    },
    redeem: (subject: Subject, code: string): 'ok' | 'wrong' | 'expired' => {
      const sent = live.get(keyOf(subject));
      if (sent === undefined) return 'wrong';
      sent.attempts += 1;
      if (sent.attempts >= rejectedFromAttempt || sent.code !== code) return 'wrong';
      live.delete(keyOf(subject));
      return now() < sent.expiresAt ? 'ok' : 'expired';
    },
    lastCode: (email: string): string | null => lastCodes.get(email.toLowerCase()) ?? null,
  };
};

export type SecondFactor = ReturnType<typeof createSecondFactor>;
