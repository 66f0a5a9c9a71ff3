import { createFairQueue } from './fair-queue.ts';

export type SlicesOptions = {
  /** Records processed in one turn of the event loop. Default 500. */
  recordsPerTurn?: number;
  /** Runs a function in the next turn of the event loop. Default `setImmediate`. */
  inNextTurn?: (begin: () => void) => unknown;
};

/** Loading, validating and serializing a record such as a user takes 3 to 10 µs. */
export const recordsPerSlice = 500;
/** Smaller work never waits. A batch of 50 such calls is less than two slices. */
export const minRecords = 16;

/**
 * Cooperative yielding: limits the records that all requests together process in one turn of the event loop, so that large
 * responses do not block it. Work that does not fit waits for a turn of its own, round-robin by source.
 */
export const createSlices = ({ recordsPerTurn = recordsPerSlice, inNextTurn = setImmediate }: SlicesOptions = {}) => {
  const waiting = createFairQueue<() => void>();
  let handled = 0;
  /** Records of each source in this turn that no second step has used yet. */
  const unusedInTurn = new Map<string, number>();
  let isTurnDue = false;

  const beginTurn = (): void => {
    isTurnDue = false;
    handled = 0;
    unusedInTurn.clear();
    waiting.take()?.();
    if (waiting.size() > 0) expectTurn();
  };
  const expectTurn = (): void => {
    if (isTurnDue) return;
    isTurnDue = true;
    inNextTurn(beginTurn);
  };
  const handle = (records: number, source: string): void => {
    handled += records;
    unusedInTurn.set(source, (unusedInTurn.get(source) ?? 0) + records);
    expectTurn();
  };

  const take = (records: number, source: string): Promise<void> | undefined => {
    if (records < minRecords) return undefined;
    const fits = handled === 0 || handled + records <= recordsPerTurn;
    if (fits && waiting.size() === 0) {
      handle(records, source);
      return undefined;
    }
    return new Promise((resolve) => {
      waiting.add(source, () => {
        handle(records, source);
        resolve();
      });
      expectTurn();
    });
  };

  return {
    /**
     * Reserves a slice for records of a source (a person or a network). The work must begin as soon as the promise resolves.
     * Undefined: it may begin at once.
     */
    take,
    /** For a second step on the same records, such as serialization after a lookup. No wait in the turn of the first step. */
    takeAgain(records: number, source: string): Promise<void> | undefined {
      if (records < minRecords) return undefined;
      const unused = unusedInTurn.get(source) ?? 0;
      if (unused < records) return take(records, source);
      unusedInTurn.set(source, unused - records);
      return undefined;
    },
  };
};

/** One for the process, because it has one event loop. */
export const slices = createSlices();
