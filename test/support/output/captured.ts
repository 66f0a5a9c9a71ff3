import { mkdirSync, openSync, writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the whole run's log lines and answers go, for the test that reads them all at the end. */
export const capturedFolder = fileURLToPath(new URL('../../.captured/', import.meta.url));

type Kind = 'log' | 'development-log' | 'answer';

/** One file for each worker process and kind, opened once: a run captures many thousands of lines. */
const files = new Map<Kind, number>();

const openFile = (kind: Kind): number => {
  mkdirSync(capturedFolder, { recursive: true });
  const file = openSync(`${capturedFolder}${kind}-${process.pid}.txt`, 'a');
  files.set(kind, file);
  return file;
};

/** Keeps a text of this run that must hold no secret. */
export const capture = (kind: Kind, text: string): void => {
  writeSync(files.get(kind) ?? openFile(kind), text.endsWith('\n') ? text : `${text}\n`);
};
