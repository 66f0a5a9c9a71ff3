import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { KeyHasher } from '../../platform/key-hasher.ts';

/** The most names in one message. */
const maxNames = 500;
/** The length of a keyed hash in base64url. */
const nameLength = 43;
const maxMessageLength = 64 * 1024;

const Name = z.string().regex(/^[\w-]{43}$/);
const TimeMs = z.number().int().nonnegative();
const Message = z.object({
  what: z.enum(['ended', 'replaced', 'kept', 'cutoff']),
  /** False: the tokens may be made up. Such a message only affects refreshes of these tokens that are in flight. */
  isProven: z.boolean(),
  atMs: TimeMs,
  /** Names of tokens and families, each with its expiry; or names of people, each with their cutoff. In milliseconds since the epoch. */
  names: z.array(z.tuple([Name, TimeMs])).max(maxNames),
});

/**
 * The message between replicas: a session was signed out (`ended`) or replaced by a new sign-in (`replaced`), or all
 * sessions of a person that began before a time have ended (`cutoff`), except one, which counts as begun at that time (`kept`).
 */
export type RevocationMessage = z.infer<typeof Message>;

export type RevocationMessagesOptions = {
  keyHasher: KeyHasher;
  /** The channel of the messages. */
  channel: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The longest time for which a revocation is remembered, in milliseconds. */
  maxTtlMs: number;
};

/**
 * Encodes and decodes the messages of one channel. Each message carries a keyed hash, which proves that a replica wrote
 * it. Without it, any client that may publish in the same Redis could evict real revocations from the replicas' memory.
 */
export const createRevocationMessages = ({ keyHasher, channel, now, maxTtlMs }: RevocationMessagesOptions) => {
  const sign = (payload: string) => keyHasher('message', `${channel}\0${payload}`);
  const isAuthentic = (text: string, payload: string): boolean => {
    const [given, expected] = [Buffer.from(text.slice(0, nameLength)), Buffer.from(sign(payload))];
    return given.length === expected.length && timingSafeEqual(given, expected);
  };

  return {
    /** The texts to publish, each of a bounded size. */
    encode({ names: all, ...message }: RevocationMessage): string[] {
      const texts: string[] = [];
      for (let from = 0; from < all.length; from += maxNames) {
        const payload = JSON.stringify({ ...message, names: all.slice(from, from + maxNames) });
        texts.push(`${sign(payload)}${payload}`);
      }
      return texts;
    },

    /** Null: no replica with the same sealing key wrote this text. */
    decode(text: string): RevocationMessage | null {
      if (text.length > maxMessageLength) return null;
      const payload = text.slice(nameLength);
      if (!isAuthentic(text, payload)) return null;
      const parsed = Message.safeParse(JSON.parse(payload));
      if (!parsed.success) return null;
      const latestMs = now() + maxTtlMs;
      return {
        ...parsed.data,
        names: parsed.data.names.map(([name, untilMs]) => [name, Math.min(untilMs, latestMs)]),
      };
    },
  };
};
