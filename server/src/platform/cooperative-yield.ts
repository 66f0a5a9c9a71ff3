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

type Work = { records: number; source: string; isSecondStep: boolean };
type WaitingWork = Work & { begin: () => void };

/**
 * Cooperative yielding: limits the records that all requests together process in one turn of the event loop, so that large
 * responses do not block it. Work that does not fit waits for a later turn, round-robin by source. Each turn begins as much
 * of the waiting work as fits.
 */
export const createSlices = ({ recordsPerTurn = recordsPerSlice, inNextTurn = setImmediate }: SlicesOptions = {}) => {
  const waiting = createFairQueue<WaitingWork>();
  let handled = 0;
  /** Records of each source in this turn that no second step has used yet. */
  const unusedInTurn = new Map<string, number>();
  let isTurnDue = false;

  /** The first work of a turn always fits. */
  const fits = ({ records }: Pick<Work, 'records'>): boolean => handled === 0 || handled + records <= recordsPerTurn;

  const beginTurn = (): void => {
    isTurnDue = false;
    handled = 0;
    unusedInTurn.clear();
    for (let next = waiting.peek(); next !== undefined && fits(next); next = waiting.peek()) {
      waiting.take();
      handle(next);
      next.begin();
    }
    if (waiting.size() > 0) expectTurn();
  };
  const expectTurn = (): void => {
    if (isTurnDue) return;
    isTurnDue = true;
    inNextTurn(beginTurn);
  };
  const handle = ({ records, source, isSecondStep }: Work): void => {
    handled += records;
    if (!isSecondStep) unusedInTurn.set(source, (unusedInTurn.get(source) ?? 0) + records);
    expectTurn();
  };

  const reserve = (work: Work): Promise<void> | undefined => {
    if (waiting.size() === 0 && fits(work)) {
      handle(work);
      return undefined;
    }
    return new Promise((begin) => {
      waiting.add(work.source, { ...work, begin });
      expectTurn();
    });
  };

  return {
    /**
     * Reserves a slice for records of a source (a person or a network). The work must begin as soon as the promise resolves.
     * Undefined: it may begin at once.
     */
    take: (records: number, source: string): Promise<void> | undefined =>
      records < minRecords ? undefined : reserve({ records, source, isSecondStep: false }),
    /** For a second step on the same records, such as serialization after a lookup. No wait in the turn of the first step. */
    takeAgain(records: number, source: string): Promise<void> | undefined {
      if (records < minRecords) return undefined;
      const unused = unusedInTurn.get(source) ?? 0;
      if (unused < records) return reserve({ records, source, isSecondStep: true });
      unusedInTurn.set(source, unused - records);
      return undefined;
    },
  };
};

/** One for the process, because it has one event loop. */
export const slices = createSlices();
