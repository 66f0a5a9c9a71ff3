import { createFairQueue } from './fair-queue.ts';

export type SlicesOptions = {
  /** Records handled in one turn of the event loop. Default 500. */
  recordsPerTurn?: number;
  /** Runs a function in the next turn of the event loop. Default `setImmediate`. */
  inNextTurn?: (begin: () => void) => unknown;
};

/** To look up, check and write a record such as a user takes 3 to 10 µs. */
export const recordsPerSlice = 500;
/** Fewer are not worth a wait. 50 calls with as many each are less than two slices. */
export const minRecords = 16;

/**
 * Splits long work, so that it does not hold the event loop: one slice of records is handled in each turn of the loop,
 * whatever requests they are for. What does not fit waits, and gets a turn each, round-robin by source.
 */
export const createSlices = ({ recordsPerTurn = recordsPerSlice, inNextTurn = setImmediate }: SlicesOptions = {}) => {
  const waiting = createFairQueue<() => void>();
  let handled = 0;
  /** Of each source the records handled in this turn, once. */
  const handledOnce = new Map<string, number>();
  let isTurnDue = false;

  const beginTurn = (): void => {
    isTurnDue = false;
    handled = 0;
    handledOnce.clear();
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
    handledOnce.set(source, (handledOnce.get(source) ?? 0) + records);
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
     * Asks to handle so many records, which has to begin as soon as that is granted. Undefined: it is, without a wait.
     * The source is who asked for them.
     */
    take,
    /** The same for a second step, such as to write what was looked up: no wait where the first one was in this turn. */
    takeAgain(records: number, source: string): Promise<void> | undefined {
      if (records < minRecords) return undefined;
      const once = handledOnce.get(source) ?? 0;
      if (once < records) return take(records, source);
      handledOnce.set(source, once - records);
      return undefined;
    },
  };
};

/** The slices of this process, which has one event loop. */
export const slices = createSlices();
