import { maxHistoryEntries, type TurnEntry } from '@auth-bff/shared';
import type { StoredTurn } from '../assignment-store.ts';
import { compareTurnIds, newTurnId, turnIdToMs } from '../turn-ids.ts';

/** An entry without its date, which takes as much memory as the rest. */
type Entry = { id: string } & Omit<TurnEntry, 'at'>;

/** Measured on Node 20: 150 to 180 bytes, and at most two for each character of a key. */
const estimatedBytes = 200;
const bytesOf = ({ key }: Entry): number => estimatedBytes + 2 * (key?.length ?? 0);
const toStoredTurn = ({ id, ...entry }: Entry): StoredTurn => ({
  id,
  entry: { at: new Date(turnIdToMs(id)), ...entry },
});

/** The last 1,000 entries of a rotation. */
export const createMemoryHistory = () => {
  /** A ring: once it is full, `oldest` is the position of the oldest entry. */
  let entries: Entry[] = [];
  let oldest = 0;
  let lastId: string | undefined;
  let bytes = 0;

  /** The entry at a place in order of time. */
  const at = (place: number): Entry => {
    const stored = entries[(oldest + place) % entries.length];
    if (stored === undefined) throw new RangeError('The history has no such place.');
    return stored;
  };

  /** The number of entries up to this id, by binary search. */
  const placeAfter = (id: string): number => {
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (compareTurnIds(at(middle).id, id) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const slice = (from: number, to: number): Entry[] =>
    Array.from({ length: Math.max(0, to - from) }, (_, index) => at(from + index));

  return {
    add(nowMs: number, turn: Omit<TurnEntry, 'at'>): void {
      const id = newTurnId(nowMs, lastId);
      lastId = id;
      const stored = { id, ...turn };
      bytes += bytesOf(stored);
      if (entries.length < maxHistoryEntries) {
        entries.push(stored);
        return;
      }
      bytes -= bytesOf(at(0));
      entries[oldest] = stored;
      oldest = (oldest + 1) % entries.length;
    },

    /** The newest entries, newest first. */
    newest: (limit: number): StoredTurn[] =>
      slice(Math.max(0, entries.length - limit), entries.length)
        .map(toStoredTurn)
        .toReversed(),

    /** The oldest entries after an id, oldest first. */
    after(id: string, limit: number): StoredTurn[] {
      const from = placeAfter(id);
      return slice(from, Math.min(entries.length, from + limit)).map(toStoredTurn);
    },

    /** Drops the oldest entries until the rest is at most so large. */
    shrink(maxBytes: number): void {
      let place = 0;
      for (; place < entries.length && bytes > maxBytes; place += 1) bytes -= bytesOf(at(place));
      if (place === 0) return;
      entries = slice(place, entries.length);
      oldest = 0;
    },

    bytes: (): number => bytes,
  };
};

export type MemoryHistory = ReturnType<typeof createMemoryHistory>;
