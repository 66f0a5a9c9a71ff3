import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** Build output and dependencies, which are not sources of the page. */
const isExcluded = (name: string) => name === 'dist' || name === 'node_modules' || name.startsWith('.dist-');

/** The files below a folder in a stable order, or the path itself if it is a file. */
const filesUnder = async (path: string): Promise<string[]> => {
  if (!(await stat(path)).isDirectory()) return [path];
  const files: string[] = [];
  for (const entry of (await readdir(path)).toSorted()) {
    if (!isExcluded(entry)) files.push(...(await filesUnder(join(path, entry))));
  }
  return files;
};

/** Hashes the contents of source files. Modification times do not count, so a checkout of the same files does not change the hash. */
export const hashSources = async (paths: readonly string[]): Promise<string> => {
  const hash = createHash('sha256');
  for (const path of paths) {
    for (const file of await filesUnder(path)) {
      const bytes = await readFile(file);
      hash.update(`${file}\n${bytes.length}\n`).update(bytes);
    }
  }
  return hash.digest('hex');
};
