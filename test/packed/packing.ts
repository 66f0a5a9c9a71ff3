import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { runWell } from './run.ts';
import type { Workspace } from './setup.ts';

/** The compilers that a consumer may have, each by the name that it is installed under. */
export const typescripts = ['typescript-5.9', 'typescript-6', 'typescript-7'] as const;
/** Where a compilation takes long, and a version between the two has found nothing that they had not. */
export const oldestAndNewest = ['typescript-5.9', 'typescript-7'] as const;

const npmInstall = (cwd: string, packages: readonly string[]) =>
  runWell('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], { cwd });

/** Projects in temporary folders outside the repository, which install a packed workspace. */
export const createPacking = (workspace: Workspace) => {
  const tarball = inject('tarballs')[workspace];
  const folder = mkdtempSync(join(tmpdir(), `packed-${workspace}-`));

  const install = async (name: string, packages: readonly string[]) => {
    const path = join(folder, name);
    mkdirSync(path);
    writeFileSync(join(path, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
    await npmInstall(path, packages);
    return path;
  };
  return {
    tarball,
    /** Creates a project with the given packages only. Returns its folder. */
    install,
    /** Creates a project with the packed package and the given packages. Returns its folder. */
    project: (name: string, packages: readonly string[] = []) => install(name, [tarball, ...packages]),
    /** The folder of the compilers, outside the node_modules of the projects. */
    tools: () =>
      install('tools', [
        ...typescripts.map((name) => `${name}@npm:typescript@${name.slice('typescript-'.length)}`),
        '@types/node@20',
      ]),
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
};

export type Packing = ReturnType<typeof createPacking>;
