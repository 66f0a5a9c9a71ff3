import { setImmediate as nextTurn } from 'node:timers/promises';

// Preloaded with --import. On SIGUSR2 it collects garbage and prints memory use with a sequence number. Needs --expose-gc.
let reports = 0;

const report = async (): Promise<void> => {
  // Objects finalized by the first collection are freed by the second.
  for (let round = 0; round < 2; round += 1) {
    globalThis.gc?.();
    await nextTurn();
  }
  const { heapUsed, external, rss } = process.memoryUsage();
  reports += 1;
  process.stdout.write(`MEMORY ${reports} used=${heapUsed + external} rss=${rss}\n`);
};

process.on('SIGUSR2', () => void report());
