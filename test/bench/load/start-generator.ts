import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { forkOptionsFor } from '../fork-on-core.ts';
import type { Load, LoadResult } from './load.ts';

/** Starts the load generator in a separate process, so that it does not share a core with the measured server. */
export const startGenerator = () => {
  const child = fork(fileURLToPath(new URL('generator.ts', import.meta.url)), {
    stdio: 'inherit',
    ...forkOptionsFor('load'),
  });
  return {
    async run(load: Load): Promise<LoadResult> {
      child.send(load);
      const [result] = (await once(child, 'message')) as [LoadResult];
      return result;
    },
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  };
};

export type Generator = ReturnType<typeof startGenerator>;
