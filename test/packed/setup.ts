import { mkdirSync, mkdtempSync, readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { root } from '../support/processes/run-process.ts';
import { compilerPackages } from './compilers.ts';
import { npmInstall } from './npm-install.ts';
import { runWell } from './run.ts';

const workspaces = ['client', 'middleware', 'server'] as const;

export type Workspace = (typeof workspaces)[number];

declare module 'vitest' {
  export interface ProvidedContext {
    /** The packages as npm packs them: the path of each tarball. */
    tarballs: Record<Workspace, string>;
    /** A folder with all compilers. */
    compilers: string;
  }
}

/** Packs a workspace with npm. Returns the path of the tarball. */
const pack = async (workspace: Workspace, folder: string): Promise<string> => {
  // By its name: a folder would name the workspaces inside of it, too.
  await runWell('npm', ['pack', '--pack-destination', folder, '--workspace', `@auth-bff/${workspace}`], { cwd: root });
  return join(folder, readdirSync(folder).find((name) => name.startsWith(`auth-bff-${workspace}-`)) ?? 'no tarball');
};

/** Packs once for all files, one package after the other: npm changes the workspace meanwhile. */
const setup = async (project: TestProject) => {
  const folder = mkdtempSync(join(tmpdir(), 'packed-'));
  const remove = () => rm(folder, { recursive: true, force: true });
  const compilers = join(folder, 'compilers');
  mkdirSync(compilers);
  try {
    const installed = npmInstall(compilers, compilerPackages);
    project.provide('tarballs', {
      client: await pack('client', folder),
      middleware: await pack('middleware', folder),
      server: await pack('server', folder),
    });
    await installed;
    project.provide('compilers', compilers);
  } catch (error) {
    await remove();
    throw error;
  }
  return remove;
};

export default setup;
