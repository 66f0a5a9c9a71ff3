import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { npmInstall } from './npm-install.ts';
import type { Workspace } from './setup.ts';

/** Projects in temporary folders outside the repository, which install a packed workspace. */
export const createPacking = (workspace: Workspace) => {
  const tarball = inject('tarballs')[workspace];
  const folder = mkdtempSync(join(tmpdir(), `packed-${workspace}-`));

  const install = async (name: string, packages: readonly string[]) => {
    const path = join(folder, name);
    mkdirSync(path);
    await npmInstall(path, packages);
    return path;
  };
  return {
    tarball,
    /** Creates a project with the given packages only. Returns its folder. */
    install,
    /** Creates a project with the packed package and the given packages. Returns its folder. */
    project: (name: string, packages: readonly string[] = []) => install(name, [tarball, ...packages]),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
};

export type Packing = ReturnType<typeof createPacking>;
