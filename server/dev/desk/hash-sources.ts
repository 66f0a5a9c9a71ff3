import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** What a build leaves in the folder, and what is none of its own. */
const isBuilt = (name: string) => name === 'dist' || name === 'node_modules' || name.startsWith('.dist-');

/** All files under a path, or the one that it is, in an order of their own. */
const filesUnder = async (path: string): Promise<string[]> => {
  if (!(await stat(path)).isDirectory()) return [path];
  const files: string[] = [];
  for (const entry of (await readdir(path)).toSorted()) {
    if (!isBuilt(entry)) files.push(...(await filesUnder(join(path, entry))));
  }
  return files;
};

/** Names what a page is built from by its content: other times of the same files, as after a checkout, are no change. */
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
