import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, posix, relative, sep } from 'node:path';

export type EmbedSharedOptions = {
  /** The folder of what was built. */
  dist: string;
  /** The folder of what was built of shared. */
  shared: string;
};

const specifier = /(['"])@auth-bff\/shared\1/g;

/** Puts what was built of shared into `dist`, and lets all code and types there import it from beside them. */
export const embedShared = ({ dist, shared }: EmbedSharedOptions): void => {
  for (const name of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
    if (!/\.(js|d\.ts)$/.test(name)) continue;
    const path = join(dist, name);
    const up = relative(dirname(path), dist).split(sep).join(posix.sep) || '.';
    writeFileSync(path, readFileSync(path, 'utf8').replaceAll(specifier, `$1${up}/shared/index.js$1`));
  }
  cpSync(shared, join(dist, 'shared'), { recursive: true });
};
