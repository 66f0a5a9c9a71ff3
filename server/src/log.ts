import { pino } from 'pino';
import type { Config } from './config.ts';

/** What the service logs with: structured fields first, then a sentence. */
export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'>;

export type LogOptions = Pick<Config, 'logLevel'> & {
  /** Default: standard output. */
  destination?: pino.DestinationStream | undefined;
};

/** One JSON object a line. Nothing is logged whole: each line names its fields, so that no secret slips in. */
export const createLog = ({ logLevel, destination }: LogOptions): Log =>
  pino(
    { level: logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime },
    destination ?? pino.destination({ dest: 1, sync: false }),
  );

/** The messages of an error and of its causes, outermost first: what happened, without a stack. */
export const causesOf = (error: unknown): string[] => {
  const messages: string[] = [];
  for (let cause = error; cause !== undefined && cause !== null && messages.length < 5; ) {
    if (cause instanceof Error) {
      const code = (cause as NodeJS.ErrnoException).code;
      messages.push(code === undefined ? `${cause.name}: ${cause.message}` : `${cause.name} ${code}: ${cause.message}`);
      cause = cause.cause;
    } else {
      if (typeof cause === 'string') messages.push(cause);
      break;
    }
  }
  return messages;
};
