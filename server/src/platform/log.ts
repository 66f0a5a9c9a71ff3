import { pino } from 'pino';
import type { Config } from '../config.ts';
import { replaceControls, scrub } from './scrub.ts';

/** What the service logs with: structured fields first, then a sentence. */
export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  /** Writes what has to be logged at every level but `silent`, as a line of level `info`. Default: `info`. */
  audit?: (fields: object, message: string) => void;
};

export type LogOptions = Pick<Config, 'logLevel'> &
  /** What no line may hold, whatever wrote it. */
  Partial<Pick<Config, 'apiKey' | 'signingKeys' | 'sealingSecret'>> & {
    /** Default: standard output. */
    destination?: pino.DestinationStream | undefined;
  };

/** Shorter ones are no secrets, and might be part of any word. */
const minSecretLength = 8;

/** A busy service writes many lines at once: a write for each would cost more than the line. A line waits no longer than this. */
const bufferBytes = 8_192;
const flushEveryMs = 50;

/**
 * Standard output, some lines at once. As bytes: of texts that it holds, sonic-boom counts the bytes anew with each line.
 */
const toStandardOutput = (): pino.DestinationStream & { flushSync: () => void } => {
  const output = pino.destination({
    dest: 1,
    sync: false,
    minLength: bufferBytes,
    periodicFlush: flushEveryMs,
    contentMode: 'buffer',
  });
  // Its types know texts alone.
  const bytes = output as unknown as { write: (bytes: Buffer) => boolean };
  return {
    write: (line: string) => void bytes.write(Buffer.from(line)),
    flushSync: () => output.flushSync(),
  };
};

/** The time in a line, by ISO 8601. The lines of one millisecond share its text. */
const createIsoTime = (): (() => string) => {
  let written = { ms: 0, text: '' };
  return () => {
    const ms = Date.now();
    if (written.ms !== ms) written = { ms, text: `,"time":"${new Date(ms).toISOString()}"` };
    return written.text;
  };
};

/** As they stand in a line of JSON. */
const inJson = (secrets: readonly string[]): string[] =>
  [...new Set(secrets)]
    .filter(({ length }) => length >= minSecretLength)
    .map((one) => JSON.stringify(one).slice(1, -1));

/**
 * One JSON object a line. Nothing is logged whole: each line names its fields, so that no secret slips in. Secrets that do
 * all the same (in a library's message, or a text that somebody sent) are hidden in the line as it is written, and control
 * characters are replaced there, so that no field can be forgotten.
 */
export const createLog = ({ logLevel, destination, apiKey, signingKeys = [], sealingSecret }: LogOptions): Log => {
  const secrets = inJson([apiKey ?? '', sealingSecret ?? '', ...signingKeys]);
  const hideSecrets = (line: string): string =>
    secrets.reduce(
      (hiding, secret) => (hiding.includes(secret) ? hiding.replaceAll(secret, '[hidden]') : hiding),
      line,
    );
  const logger = pino(
    {
      level: logLevel,
      base: null,
      timestamp: createIsoTime(),
      // Secrets first, which may hold a control character; then those, which may hide where a token begins.
      hooks: { streamWrite: (line) => scrub(replaceControls(hideSecrets(line))) },
    },
    destination ?? toStandardOutput(),
  );
  const auditLogger = logger.child({}, { level: logLevel === 'silent' ? 'silent' : 'info' });
  const audit: Log['audit'] = (fields, message) => auditLogger.info(fields, message);
  return Object.assign(logger, { audit });
};

const maxMessageLength = 1_000;
const messageOf = (text: string): string => scrub(text.slice(0, maxMessageLength));

/** The messages of an error and of its causes, outermost first: what happened, without a stack, and scrubbed of what others may have put there. */
export const causesOf = (error: unknown): string[] => {
  const messages: string[] = [];
  for (let cause = error; cause !== undefined && cause !== null && messages.length < 5; ) {
    if (cause instanceof Error) {
      const code = (cause as NodeJS.ErrnoException).code;
      messages.push(messageOf(`${cause.name}${code === undefined ? '' : ` ${code}`}: ${cause.message}`));
      cause = cause.cause;
    } else {
      if (typeof cause === 'string') messages.push(messageOf(cause));
      break;
    }
  }
  return messages;
};
