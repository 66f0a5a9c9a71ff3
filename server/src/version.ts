import { readFileSync } from 'node:fs';

/** The version of this package. The path is the same from the sources, from `dist`, and from the bundle in `dist/main.js`. */
export const readVersion = (): string =>
  (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version;
