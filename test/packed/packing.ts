import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../support/processes/run-process.ts';
import { runWell } from './run.ts';

/** The compilers that a consumer may have, each by the name that it is installed under. */
export const typescripts = ['typescript-5.9', 'typescript-6', 'typescript-7'] as const;

const npmInstall = (cwd: string, packages: readonly string[]) =>
  runWell('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], { cwd });

/** Packs a workspace with npm, for projects in temporary folders outside the repository. */
export const createPacking = async (workspace: 'client' | 'server' | 'middleware') => {
  const folder = mkdtempSync(join(tmpdir(), `packed-${workspace}-`));
  // By its name: a folder would name the workspaces inside of it, too.
  await runWell('npm', ['pack', '--pack-destination', folder, '--workspace', `@auth-bff/${workspace}`], { cwd: root });
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'no tarball');

  const install = async (name: string, packages: readonly string[]) => {
    const path = join(folder, name);
    mkdirSync(path);
    writeFileSync(join(path, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
    await npmInstall(path, packages);
    return path;
  };
  return {
    tarball,
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
