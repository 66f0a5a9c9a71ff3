import { setImmediate as nextTurn } from 'node:timers/promises';

// Imported before the service is. On SIGUSR2 the process collects garbage and prints what is left, with a number that counts
// up. Needs --expose-gc.
let reports = 0;

const report = async (): Promise<void> => {
  // What the first collection finalizes, the second one frees.
  for (let round = 0; round < 2; round += 1) {
    globalThis.gc?.();
    await nextTurn();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  reports += 1;
  process.stdout.write(`MEMORY ${reports} used=${heapUsed + external} rss=${rss}\n`);
};

process.on('SIGUSR2', () => void report());
