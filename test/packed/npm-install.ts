import { writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runWell } from './run.ts';

/** Makes a folder a project of ECMAScript modules with the given packages: names with a version, or paths of tarballs. */
export const npmInstall = async (folder: string, packages: readonly string[]): Promise<void> => {
  const manifest = { name: basename(folder), private: true, type: 'module' };
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  await runWell('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], { cwd: folder });
};
