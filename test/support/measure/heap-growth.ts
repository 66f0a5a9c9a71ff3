import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { collectGarbage } from './collect-garbage.ts';

/**
 * Measures what stays in memory of work that is done again and again. Until it is disposed of, V8 compiles no machine code in
 * this process: while it does, the heap grows by as much as a leak of 1 kB a request.
 */
export const createHeap = () => {
  for (const flag of ['--no-opt', '--no-maglev', '--no-sparkplug', '--no-lazy-feedback-allocation']) {
    setFlagsFromString(flag);
  }
  /** Without Maglev, which not every Node.js has: other test files in this process then run as fast as without it. */
  const compileAgain = () => {
    for (const flag of ['--opt', '--sparkplug', '--lazy-feedback-allocation']) setFlagsFromString(flag);
  };

  /** Bytes of objects and buffers that are still referenced. */
  const usedBytes = async (): Promise<number> => {
    // V8 keeps the last text that a regular expression looked at, which may have been a large body.
    /x/.test('x');
    // The second collection frees the objects that the first one finalized.
    for (let round = 0; round < 2; round += 1) {
      await nextTurn();
      collectGarbage();
    }
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };

  return {
    /**
     * Bytes that each of `times` pieces of work leaves behind: the median over `blocks` blocks, an odd number, so
     * that a table that doubles in one block does not count. `work` does the pieces from one number up to another.
     */
    async growthOf(options: {
      from: number;
      times: number;
      blocks: number;
      work: (from: number, to: number) => Promise<void>;
    }): Promise<number> {
      const { from, times, blocks, work } = options;
      const growths: number[] = [];
      let before = await usedBytes();
      for (let block = 0; block < blocks; block += 1) {
        const startOf = (index: number) => from + Math.floor((times * index) / blocks);
        const [first, end] = [startOf(block), startOf(block + 1)];
        await work(first, end);
        const after = await usedBytes();
        growths.push((after - before) / (end - first));
        before = after;
      }
      return growths.toSorted((one, other) => one - other)[Math.floor(blocks / 2)] ?? 0;
    },
    [Symbol.dispose]: compileAgain,
  };
};
