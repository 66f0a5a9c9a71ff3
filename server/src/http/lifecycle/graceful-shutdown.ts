import { setTimeout as delay } from 'node:timers/promises';
import { causesOf, type Log } from '../../platform/log.ts';
import type { DrainResult } from './draining.ts';

export type GracefulShutdownOptions = {
  /** Called with the signal, or with null after an uncaught exception. */
  close: (signal: string | null) => Promise<DrainResult>;
  log: Log;
  exit: (code: number) => void;
  /** Milliseconds after which the process exits even if `close` has not finished. */
  timeoutMs: number;
};

/**
 * Closes the app once and exits in bounded time: with 0 after a signal, with 1 after an uncaught exception. Further
 * signals change nothing.
 */
export const createGracefulShutdown = ({ close, log, exit, timeoutMs }: GracefulShutdownOptions) => {
  let hasBegun = false;
  let exitCode = 0;

  const shutDown = async (signal: string | null): Promise<void> => {
    if (hasBegun) return;
    hasBegun = true;
    const closed = close(signal).then(
      ({ served, cut }) => log.info({ served, cut }, 'Stopped.'),
      (error: unknown) => log.error({ causes: causesOf(error) }, 'Stopped, but closing failed.'),
    );
    const first = await Promise.race([closed, delay(timeoutMs, 'timeout')]);
    if (first === 'timeout') log.error({ withinMs: timeoutMs }, 'Stopped, but closing timed out.');
    exit(exitCode);
  };

  return {
    async onSignal(signal: string): Promise<void> {
      if (!hasBegun) log.info({ signal }, 'Stopping.');
      await shutDown(signal);
    },
    /** `origin` is `uncaughtException` or `unhandledRejection`. */
    async onCrash(error: unknown, origin: string): Promise<void> {
      exitCode = 1;
      log.fatal(
        { origin, causes: causesOf(error) },
        'Uncaught error: the process answers its in-flight requests and exits with code 1. This is a bug; report it with this line.',
      );
      await shutDown(null);
    },
    hasBegun: (): boolean => hasBegun,
  };
};
