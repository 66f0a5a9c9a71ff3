import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { root } from './run-process.ts';

/** By its path: node_modules/.bin/tsc is TypeScript 6. */
const tsc = `${root}node_modules/typescript/bin/tsc`;

/**
 * The lines that the compiler prints about a project, which are its errors. Throws if the compiler fails without any. `cwd`: where
 * the paths in them begin. Default: the project's folder.
 */
export const runTsc = async (folder: string, cwd = folder): Promise<string[]> => {
  const args = [tsc, '--noEmit', '--project', folder, '--pretty', 'false'];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd }).catch((error: unknown) => {
    if (error instanceof Error && 'stdout' in error && error.stdout !== '') return { stdout: String(error.stdout) };
    throw error;
  });
  return stdout.split('\n').filter((line) => line !== '');
};
