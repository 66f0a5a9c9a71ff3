import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Without it the system moves processes about, and a garbage collector that works beside its program counts for nothing. */
const canPin = availableParallelism() > 1 && spawnSync('taskset', ['--version']).status === 0;

/** How `fork` starts a process that stays on one core, where Linux's `taskset` is at hand: what is measured on the first, who makes load on the second. */
export const forkOptionsFor = (core: 'measured' | 'load', execArgv: readonly string[] = process.execArgv) =>
  canPin
    ? { execPath: 'taskset', execArgv: ['--cpu-list', core === 'measured' ? '0' : '1', process.execPath, ...execArgv] }
    : { execArgv: [...execArgv] };
