import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { collectGarbage } from './collect-garbage.ts';

/** Less than the leaks that the measurement must detect, in one block of requests. */
const settledBytes = 10_000;
/** Earlier test files leave garbage that only several collections free, such as sockets that close and finalized objects. */
const maxSettlingRounds = 20;

/**
 * Measures what stays in memory of work that is done again and again. Until it is disposed of, V8 compiles no machine code in
 * this process: while it does, the heap grows by as much as a leak of 1 kB a request. V8 also keeps all bytecode: otherwise
 * one of the collections frees the bytecode of all earlier test files at once, which is a megabyte.
 */
export const createHeap = () => {
  const disabled = [
    '--no-opt',
    '--no-maglev',
    '--no-sparkplug',
    '--no-lazy-feedback-allocation',
    '--no-flush-bytecode',
  ];
  for (const flag of disabled) setFlagsFromString(flag);
  /** Without Maglev, which not every Node.js has: other test files in this process then run as fast as without it. */
  const compileAgain = () => {
    const enabled = ['--opt', '--sparkplug', '--lazy-feedback-allocation', '--flush-bytecode'];
    for (const flag of enabled) setFlagsFromString(flag);
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

  let isSettled = false;
  /** The same. The first time, once collections free no more of what was garbage before: a collection takes 0.1 s. */
  const settledUsedBytes = async (): Promise<number> => {
    let used = await usedBytes();
    for (let round = 0; !isSettled && round < maxSettlingRounds; round += 1) {
      const before = used;
      used = await usedBytes();
      isSettled = Math.abs(used - before) < settledBytes;
    }
    return used;
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
      let before = await settledUsedBytes();
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
