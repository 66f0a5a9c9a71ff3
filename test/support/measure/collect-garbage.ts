import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');

/** Collects all garbage of this process, also when it was started without `--expose-gc`. */
export const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes of the heap that are still referenced. */
export const heapBytes = (): number => {
  collectGarbage();
  return process.memoryUsage().heapUsed;
};
