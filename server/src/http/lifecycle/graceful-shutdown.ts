import { setTimeout as delay } from 'node:timers/promises';
import type { DrainResult } from './draining.ts';
import { causesOf, type Log } from '../../platform/log.ts';

export type StopOptions = {
  close: () => Promise<DrainResult>;
  log: Log;
  exit: (code: number) => void;
  /** Milliseconds after which the process ends whatever still hangs. */
  withinMs: number;
};

/** What a signal does: closes, once, and exits with 0 in bounded time. Asking again changes nothing. */
export const createStop = ({ close, log, exit, withinMs }: StopOptions) => {
  let isStopping = false;

  const stop = async (signal: string): Promise<void> => {
    if (isStopping) return;
    isStopping = true;
    log.info({ signal }, 'Stopping.');
    const ended = close().then(
      ({ served, cut }) => log.info({ served, cut }, 'Stopped.'),
      (error: unknown) => log.error({ causes: causesOf(error) }, 'Stopped, but not in order.'),
    );
    const hanging = delay(withinMs, 'hangs');
    if ((await Promise.race([ended, hanging])) === 'hangs') log.error({ withinMs }, 'Stopped, though something hangs.');
    exit(0);
  };

  return { stop, isStopping: (): boolean => isStopping };
};
