import type { Log } from './log.ts';
import { startBackgroundTimer, type StartTimer } from './start-timer.ts';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export type LogLevel = (typeof logLevels)[number];

export const isLogLevel = (text: string): text is LogLevel => (logLevels as readonly string[]).includes(text);

export type LogLevelOptions = {
  log: Log;
  /** The level of the configuration, to which the log returns. */
  configured: LogLevel;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Starts the timer of the return. Default `setTimeout`. */
  startTimer?: StartTimer | undefined;
};

/** `until`: when the log returns to the configured level. Null: it has that level. */
export type LogLevelState = { level: LogLevel; until: Date | null };

/** An operator may forget a changed level: `debug` fills disks, and `silent` hides failures. */
const changedForMs = 3_600_000;

/** The level of the log, which an operator can change for an hour without a restart. */
export const createLogLevel = ({ log, configured, now, startTimer = startBackgroundTimer }: LogLevelOptions) => {
  let state: LogLevelState = { level: configured, until: null };
  let cancelReturn = () => {};

  const change = (next: LogLevelState, message: string): void => {
    cancelReturn();
    const { level: from } = state;
    state = next;
    if (next.level === from) return;
    // The line is written whatever the two levels are.
    log.level = 'warn';
    log.warn({ from, to: next.level, until: next.until?.toISOString() }, message);
    log.level = next.level;
  };
  const toConfigured = (message: string) => change({ level: configured, until: null }, message);

  return {
    current: (): LogLevelState => state,
    set(level: LogLevel): LogLevelState {
      const message = 'The log level was changed on the operator listener.';
      if (level === configured) toConfigured(message);
      else {
        change({ level, until: new Date(now() + changedForMs) }, message);
        cancelReturn = startTimer(() => toConfigured('The log level is LOG_LEVEL again.'), changedForMs);
      }
      return state;
    },
    close: (): void => cancelReturn(),
  };
};

export type LogLevelControl = ReturnType<typeof createLogLevel>;
