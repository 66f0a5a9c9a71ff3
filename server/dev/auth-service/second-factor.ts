import { randomInt } from 'node:crypto';
import type { Outbox } from './account/outbox.ts';
import type { Subject } from './people/people.ts';

export type SecondFactorOptions = {
  now: () => number;
  outbox: Pick<Outbox, 'send'>;
  /** Milliseconds for which a code is valid. */
  validForMs: number;
  /** The attempt (from 1) from which even the right code is rejected. */
  rejectedFromAttempt: number;
};

const keyOf = ({ type, id }: Subject) => `${type}:${id}`;

type ActiveCode = { code: string; expiresAt: number; attempts: number };

/** Second-factor codes: six digits, valid for one sign-in. Each person has one active code; a new code replaces it. */
export const createSecondFactor = ({ now, outbox, validForMs, rejectedFromAttempt }: SecondFactorOptions) => {
  const activeCodes = new Map<string, ActiveCode>();
  const lastCodes = new Map<string, string>();

  return {
    send: (subject: Subject, email: string): void => {
      const code = String(randomInt(1_000_000)).padStart(6, '0');
      activeCodes.set(keyOf(subject), { code, expiresAt: now() + validForMs, attempts: 0 });
      lastCodes.set(email.toLowerCase(), code);
      outbox.send({
        to: email,
        subject: 'Your code',
        text: `Your code: ${code}`,
        line: `Second-factor code for ${email}: ${code}`,
      });
    },
    redeem: (subject: Subject, code: string): 'ok' | 'wrong' | 'expired' => {
      const sent = activeCodes.get(keyOf(subject));
      if (sent === undefined) return 'wrong';
      sent.attempts += 1;
      if (sent.attempts >= rejectedFromAttempt || sent.code !== code) return 'wrong';
      activeCodes.delete(keyOf(subject));
      return now() < sent.expiresAt ? 'ok' : 'expired';
    },
    /** The active code of the person becomes invalid. */
    end: (subject: Subject): void => void activeCodes.delete(keyOf(subject)),
    lastCode: (email: string): string | null => lastCodes.get(email.toLowerCase()) ?? null,
  };
};

export type SecondFactor = ReturnType<typeof createSecondFactor>;
