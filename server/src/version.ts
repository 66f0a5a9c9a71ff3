import { readFileSync } from 'node:fs';

let version: string | null = null;

/** The version of this package, read once. The path is the same from the sources, from `dist`, and from the bundle in `dist/main.js`. */
export const readVersion = (): string => {
  version ??= (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string })
    .version;
  return version;
};
