import { createFairQueue } from './fair-queue.ts';

export type SlicesOptions = {
  /** Records handled in one turn of the event loop. Default 500. */
  recordsPerTurn?: number;
  /** Runs a function in the next turn of the event loop. Default `setImmediate`. */
  inNextTurn?: (begin: () => void) => unknown;
};

/** To look up, check and write a record such as a user takes some 5 to 10 µs. */
export const recordsPerSlice = 500;
/** Fewer are not worth a wait. 50 calls with this many are less than twice a slice. */
const minRecords = 16;

/**
 * Splits long work, so that it never holds the event loop for long: as many records as one slice has are handled in one
 * turn of it, whichever requests they are for. Other work waits for a later turn, one slice a turn, round-robin by who
 * asks.
 */
export const createSlices = ({ recordsPerTurn = recordsPerSlice, inNextTurn = setImmediate }: SlicesOptions = {}) => {
  const waiting = createFairQueue<() => void>();
  let handled = 0;
  /** Records of this turn, by who asked, that may be handled once more: looked up before, and written then. */
  const looked = new Map<string, number>();
  let isTurnDue = false;

  const beginTurn = (): void => {
    isTurnDue = false;
    handled = 0;
    looked.clear();
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
    looked.set(source, (looked.get(source) ?? 0) + records);
    expectTurn();
  };

  return {
    /** Asks to handle so many records now. A promise: once it resolves, and then at once. Undefined: without a wait. */
    take(records: number, source: string): Promise<void> | undefined {
      if (records < minRecords) return undefined;
      const again = looked.get(source) ?? 0;
      if (again >= records) {
        looked.set(source, again - records);
        return undefined;
      }
      if (waiting.size() === 0 && (handled === 0 || handled + records <= recordsPerTurn)) {
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
    },
  };
};

/** Those of this process, which has one event loop. */
export const slices = createSlices();
