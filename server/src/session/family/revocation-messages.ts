import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { KeyHasher } from '../../platform/key-hasher.ts';

/** The most names in one message. */
const maxNames = 500;
/** A name is a keyed hash in base64url. */
const nameLength = 43;
const maxMessageLength = 64 * 1024;

const Name = z.string().regex(/^[\w-]{43}$/);
const TimeMs = z.number().int().nonnegative();
const Message = z.object({
  what: z.enum(['ended', 'replaced']),
  /** False: the tokens may be made up. The message counts only where they are being refreshed. */
  isProven: z.boolean(),
  atMs: TimeMs,
  /** Names of tokens and chains, and when what they name expires: milliseconds since the epoch. */
  names: z.array(z.tuple([Name, TimeMs])).max(maxNames),
});

/** What one replica tells the others of the tokens of a session. */
export type MarkMessage = z.infer<typeof Message>;

export type MarkMessagesOptions = {
  names: KeyHasher;
  /** The channel that the messages are for. */
  channel: string;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The longest that a mark is remembered, in milliseconds. */
  longestMs: number;
};

/**
 * Writes and reads the messages of one channel. A keyed hash over each shows that a replica wrote it: anybody who may
 * publish in the same Redis could otherwise push genuine marks out of the memory of the replicas.
 */
export const createMarkMessages = ({ names, channel, now, longestMs }: MarkMessagesOptions) => {
  const seal = (payload: string) => names('message', `${channel}\0${payload}`);
  const isOurs = (text: string, payload: string): boolean => {
    const [given, right] = [Buffer.from(text.slice(0, nameLength)), Buffer.from(seal(payload))];
    return given.length === right.length && timingSafeEqual(given, right);
  };

  return {
    /** The texts to publish, each of a bounded size. */
    write({ names: all, ...message }: MarkMessage): string[] {
      const texts: string[] = [];
      for (let from = 0; from < all.length; from += maxNames) {
        const payload = JSON.stringify({ ...message, names: all.slice(from, from + maxNames) });
        texts.push(`${seal(payload)}${payload}`);
      }
      return texts;
    },

    /** Null: no replica with our sealing key wrote this. */
    read(text: string): MarkMessage | null {
      if (text.length > maxMessageLength) return null;
      const payload = text.slice(nameLength);
      if (!isOurs(text, payload)) return null;
      const read = Message.safeParse(JSON.parse(payload));
      if (!read.success) return null;
      const latestMs = now() + longestMs;
      return {
        ...read.data,
        names: read.data.names.map(([name, untilMs]) => [name, Math.min(untilMs, latestMs)]),
      };
    },
  };
};

export type MarkMessages = ReturnType<typeof createMarkMessages>;
