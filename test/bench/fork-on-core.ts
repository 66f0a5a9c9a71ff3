import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Without pinning, the kernel moves processes between cores, and garbage collection on a second core would not count. */
const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** Options for `fork` that pin the process to one core with Linux's `taskset`, if available: servers to the first core, the load generator to the second. */
export const forkOptionsFor = (core: 'measured' | 'load', execArgv: readonly string[] = process.execArgv) =>
  canPin
    ? { execPath: 'taskset', execArgv: ['--cpu-list', core === 'measured' ? '0' : '1', process.execPath, ...execArgv] }
    : { execArgv: [...execArgv] };
