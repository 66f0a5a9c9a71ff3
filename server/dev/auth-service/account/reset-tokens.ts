import { randomBytes } from 'node:crypto';
import type { Subject } from '../people/people.ts';

const HOUR_MS = 60 * 60_000;
const lifetimeMs: Record<Subject['type'], number> = { staff: HOUR_MS, employee: 24 * HOUR_MS };

/** 64 characters for staff and 43 for employees. */
const createToken = (type: Subject['type']): string =>
  type === 'staff' ? randomBytes(32).toString('hex') : randomBytes(32).toString('base64url');

/** Tokens of password-reset links: for one use. A new one of a person replaces the older ones. */
export const createResetTokens = ({ now }: { now: () => number }) => {
  const active = new Map<string, Subject & { expiresAt: number }>();

  return {
    issue({ type, id }: Subject): string {
      for (const [token, owner] of active) if (owner.type === type && owner.id === id) active.delete(token);
      const token = createToken(type);
      active.set(token, { type, id, expiresAt: now() + lifetimeMs[type] });
      return token;
    },
    /** The id of the token's owner, whose token stays valid. Null: unknown, expired or of the other type. */
    find(type: Subject['type'], token: string): number | null {
      const owner = active.get(token);
      return owner?.type === type && now() < owner.expiresAt ? owner.id : null;
    },
    end: (token: string): void => void active.delete(token),
  };
};

export type ResetTokens = ReturnType<typeof createResetTokens>;
