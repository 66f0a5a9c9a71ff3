import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { forkOptionsFor } from '../fork-on-core.ts';
import type { Load, LoadResult } from './load.ts';

/** A process that makes load, so that what is measured does not share its core with it. */
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
