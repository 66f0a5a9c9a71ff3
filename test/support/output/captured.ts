import { appendFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the whole run's log lines and answers go, for the test that reads them all at the end. */
export const capturedFolder = fileURLToPath(new URL('../../.captured/', import.meta.url));

type Kind = 'log' | 'development-log' | 'answer';

/** Buffered lines. A run captures many thousands of lines, and one write per line is slow. */
const buffered = new Map<Kind, { texts: string[]; length: number }>();
const maxBufferedLength = 1_000_000;

/** Writes the buffered lines to one file per worker process and kind. */
export const flushCaptured = (): void => {
  mkdirSync(capturedFolder, { recursive: true });
  for (const [kind, { texts }] of buffered)
    appendFileSync(`${capturedFolder}${kind}-${process.pid}.txt`, texts.join(''));
  buffered.clear();
};

/** Keeps a text of this run that must hold no secret. */
export const capture = (kind: Kind, text: string): void => {
  const buffer = buffered.get(kind) ?? { texts: [], length: 0 };
  buffered.set(kind, buffer);
  buffer.texts.push(text.endsWith('\n') ? text : `${text}\n`);
  buffer.length += text.length;
  if (buffer.length > maxBufferedLength) flushCaptured();
};
