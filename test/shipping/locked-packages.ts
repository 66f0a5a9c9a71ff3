import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

type Entry = { dependencies?: Record<string, string>; link?: boolean; resolved?: string };
type Lock = { packages: Record<string, Entry> };

/** Where Node finds `name` from the package at `from`: the paths of the lock file are those of the folders. */
const findFrom = (lock: Lock, from: string, name: string): string | null => {
  const at = join(from, 'node_modules', name);
  if (lock.packages[at] !== undefined) return at;
  return from === '.' ? null : findFrom(lock, dirname(from), name);
};

/** The folders of all that a workspace needs to run, as the lock file in `folder` has them; the workspaces among them apart. */
export const lockedPackages = (folder: string, workspace: string): string[] => {
  const lock = JSON.parse(readFileSync(join(folder, 'package-lock.json'), 'utf8')) as Lock;
  const found = new Set<string>();
  const visit = (path: string) => {
    if (found.has(path)) return;
    found.add(path);
    const entry = lock.packages[path] ?? {};
    if (entry.link === true && entry.resolved !== undefined) return visit(entry.resolved);
    for (const name of Object.keys(entry.dependencies ?? {})) {
      const at = findFrom(lock, path, name);
      if (at === null) throw new Error(`package-lock.json does not have the ${name} of ${path}.`);
      visit(at);
    }
  };
  visit(workspace);
  return [...found].filter((path) => path.includes('node_modules/') && lock.packages[path]?.link !== true).toSorted();
};
