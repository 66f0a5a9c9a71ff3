import { createBoundedMap } from '../../platform/bounded-map.ts';
import type { MarkMessage } from './revocation-messages.ts';

/** What other replicas told of a token or a chain. */
export type HeardMark = { endedAtMs: number | null; isReplaced: boolean };

export type HeardMarksOptions = {
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The most names remembered; the least recently used goes first. Default 50,000, about 10 MB. */
  maxNames?: number;
};

/**
 * Sign-outs that other replicas have published, by the names of tokens and chains in Redis, until the tokens expire.
 * They count beside what Redis answers, which may be full or away.
 */
export const createHeardMarks = ({ now, maxNames = 50_000 }: HeardMarksOptions) => {
  const heard = createBoundedMap<string, HeardMark & { untilMs: number }>(maxNames);

  return {
    note({ what, atMs, names }: Omit<MarkMessage, 'isProven'>): void {
      for (const [name, untilMs] of names) {
        const known = heard.get(name);
        heard.set(name, {
          endedAtMs: known?.endedAtMs ?? (what === 'ended' ? atMs : null),
          isReplaced: known?.isReplaced === true || what === 'replaced',
          untilMs: Math.max(known?.untilMs ?? 0, untilMs),
        });
      }
    },
    of(name: string): HeardMark | null {
      const mark = heard.get(name);
      return mark !== undefined && now() < mark.untilMs ? mark : null;
    },
    isEmpty: (): boolean => heard.size === 0,
  };
};

export type HeardMarks = ReturnType<typeof createHeardMarks>;
