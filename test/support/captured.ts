import { appendFileSync, mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where the whole run's log lines and answers go, for the test that reads them all at the end. */
export const capturedFolder = fileURLToPath(new URL('../.captured/', import.meta.url));

/** Keeps a text of this run that must hold no secret. */
export const capture = (kind: 'log' | 'development-log' | 'answer', text: string): void => {
  mkdirSync(capturedFolder, { recursive: true });
  appendFileSync(`${capturedFolder}${kind}-${process.pid}.txt`, text.endsWith('\n') ? text : `${text}\n`);
};
