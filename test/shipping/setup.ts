import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readFileSync, renameSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { TestProject } from 'vitest/node';
import { root } from '../support/processes/run-process.ts';
import { readStages } from './dockerfile.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The folder with the result of `npm run bundle`, outside the repository. */
    bundle: string;
  }
}

const execute = promisify(execFile);

/** The environment of npm's steps: nothing but the connection to the registry. */
const npmEnvironment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) =>
    /^(PATH|HOME|(https?|no)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR))$/i.test(name),
  ),
);

/** The files of the repository, committed or not, that .dockerignore lets into the build. */
const filesOfTheBuild = async (): Promise<string[]> => {
  const args = ['ls-files', '-z', '--cached', '--others', '--exclude-standard', '--deduplicate'];
  const { stdout } = await execute('git', args, { cwd: root, maxBuffer: 16e6 });
  const allowed = [...readFileSync(join(root, '.dockerignore'), 'utf8').matchAll(/^!(.*)$/gm)].map(([, path]) => path);
  return stdout.split('\0').filter((file) => allowed.some((path) => file === path || file.startsWith(`${path}/`)));
};

/** Runs the steps of the Dockerfile's build stage in a clean copy of the repository. */
const bundleCleanCopy = async (folder: string): Promise<void> => {
  for (const file of await filesOfTheBuild()) cpSync(join(root, file), join(folder, file), { verbatimSymlinks: true });
  // The other stages change the image's own system, and this would be that of the machine.
  const stage = readStages().get('build')?.text ?? '';
  const steps = [...stage.matchAll(/^RUN (?:--mount=\S+ )?(npm .*)$/gm)].map(([, command = '']) => command);
  for (const step of steps) {
    await execute('/bin/sh', ['-c', step], { cwd: folder, env: npmEnvironment, maxBuffer: 64e6 });
  }
};

/** Builds the bundle once for all files, and moves it to a folder that has no node_modules above it. */
const setup = async (project: TestProject) => {
  const source = mkdtempSync(join(tmpdir(), 'auth-bff-source-'));
  const target = mkdtempSync(join(tmpdir(), 'auth-bff-bundle-'));
  const remove = () => rm(target, { recursive: true, force: true });
  try {
    await bundleCleanCopy(source);
    renameSync(join(source, 'bundle'), join(target, 'bundle'));
  } catch (error) {
    await remove();
    throw error;
  } finally {
    await rm(source, { recursive: true, force: true });
  }
  // Readable by the unprivileged user who starts the bundle.
  chmodSync(target, 0o755);
  project.provide('bundle', join(target, 'bundle'));
  return remove;
};

export default setup;
