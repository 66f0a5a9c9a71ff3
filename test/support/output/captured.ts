import { appendFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the whole run's log lines and answers go, for the test that reads them all at the end. */
export const capturedFolder = fileURLToPath(new URL('../../.captured/', import.meta.url));

type Kind = 'log' | 'development-log' | 'answer';

/** What is not in the files yet: a run captures many thousands of lines, and a write for each takes a second of them. */
const buffered = new Map<Kind, { texts: string[]; length: number }>();
const maxBufferedLength = 1_000_000;

/** Writes what is buffered to one file for each worker process and kind. */
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
