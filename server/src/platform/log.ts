import { writeSync } from 'node:fs';
import { pino } from 'pino';
import type { Config } from '../config.ts';
import { replaceControls, scrub } from './scrub.ts';

/** Takes structured fields first, then a message. */
export type Log = Pick<pino.Logger, 'debug' | 'info' | 'warn' | 'error' | 'fatal'> & {
  /** The level in force. It may be set at any time. Undefined: the level cannot be changed. */
  level?: string;
  /** Writes a line of level `info` at every log level except `silent`. Default: `info`. */
  audit?: (fields: object, message: string) => void;
};

export type LogOptions = Pick<Config, 'logLevel'> &
  /** Secrets that are hidden in every line. */
  Partial<Pick<Config, 'apiKey' | 'signingKeys' | 'sealingSecret' | 'serviceAccount'>> & {
    /** Default: standard output. */
    destination?: pino.DestinationStream | undefined;
  };

/** Shorter values may be part of any word, and are no secrets. */
const minSecretLength = 8;

/** Lines are written in batches, because a write costs more than a line. `flushEveryMs` is the longest delay of a line. */
const bufferBytes = 32_768;
const flushEveryMs = 50;

/** The destinations that write to standard output. They share one listener, however many apps a process has. */
const outputs = new Set<{ destroy: () => void }>();

/** At the exit, sonic-boom would repeat a write to a closed terminal forever. */
const destroyIfClosed = (): void => {
  try {
    writeSync(1, '');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') return;
    for (const output of outputs) output.destroy();
  }
};

/** Buffered standard output. In buffer mode: with strings, sonic-boom recounts the bytes of its whole buffer at each line. */
const toStandardOutput = (): pino.DestinationStream & { flushSync: () => void } => {
  const output = pino.destination({
    dest: 1,
    sync: false,
    minLength: bufferBytes,
    maxWrite: 2 * bufferBytes,
    periodicFlush: flushEveryMs,
    contentMode: 'buffer',
  });
  // The types of sonic-boom allow only strings, and lack `destroyed`.
  const bytes = output as unknown as { write: (bytes: Buffer) => boolean; destroyed: boolean };
  // EIO: the terminal was closed. The service must still drain.
  const stopIfClosed = (error: unknown): void => {
    if ((error as NodeJS.ErrnoException).code !== 'EIO') throw error;
    output.destroy();
  };
  output.on('error', stopIfClosed);
  if (outputs.size === 0) process.prependListener('exit', destroyIfClosed);
  outputs.add(output);
  return {
    write(line: string): void {
      if (!bytes.destroyed) bytes.write(Buffer.from(line));
    },
    flushSync(): void {
      if (!bytes.destroyed) output.flushSync();
    },
  };
};

/** The ISO 8601 time of a line. Lines of the same millisecond reuse the string. */
const createIsoTime = (): (() => string) => {
  let written = { ms: 0, text: '' };
  return () => {
    const ms = Date.now();
    if (written.ms !== ms) written = { ms, text: `,"time":"${new Date(ms).toISOString()}"` };
    return written.text;
  };
};

/** Secrets as they appear inside a JSON string. */
const inJson = (secrets: readonly string[]): string[] =>
  [...new Set(secrets)]
    .filter(({ length }) => length >= minSecretLength)
    .map((one) => JSON.stringify(one).slice(1, -1));

/**
 * One JSON object per line. Callers log named fields, never whole objects, so that no secret slips in. In addition, each
 * finished line is scrubbed of secrets (in the message of a library or the text of a client) and of control characters.
 */
export const createLog = (options: LogOptions): Log => {
  const { logLevel, destination, apiKey = '', signingKeys = [], sealingSecret = '', serviceAccount } = options;
  const secrets = inJson([apiKey, sealingSecret, ...signingKeys, serviceAccount?.password ?? '']);
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
      // In this order: a secret may contain a control character, and a control character may hide the start of a token.
      hooks: { streamWrite: (line) => scrub(replaceControls(hideSecrets(line))) },
    },
    destination ?? toStandardOutput(),
  );
  const auditLogger = logger.child({}, { level: 'info' });
  const audit: Log['audit'] = (fields, message) => {
    if (logger.level !== 'silent') auditLogger.info(fields, message);
  };
  return Object.assign(logger, { audit });
};

const maxMessageLength = 1_000;
const messageOf = (text: string): string => scrub(text.slice(0, maxMessageLength));

/** The messages of an error and its causes, outermost first, scrubbed and without stacks. */
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
