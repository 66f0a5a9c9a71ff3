import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../support/run-process.ts';
import { runWell } from './run.ts';

/** The compilers that a consumer may have, each by the name that it is installed under. */
export const typescripts = ['typescript-5.9', 'typescript-6', 'typescript-7'] as const;

const npmInstall = (cwd: string, packages: readonly string[]) =>
  runWell('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], { cwd });

/**
 * The client as others get it: packed by npm, and installed in a folder of its own far from this repo, once
 * beside nothing and once beside React. The compilers stand apart, so that they are in nobody's node_modules.
 */
export const installPacked = async () => {
  const folder = mkdtempSync(join(tmpdir(), 'packed-client-'));
  const folderFor = (name: string) => {
    const path = join(folder, name);
    mkdirSync(path);
    writeFileSync(join(path, 'package.json'), JSON.stringify({ name, private: true, type: 'module' }));
    return path;
  };
  await runWell('npm', ['pack', '--pack-destination', folder, '--workspace', 'client'], { cwd: root });
  const tarball = join(folder, readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? 'no tarball');

  const alone = folderFor('alone');
  const besideReact = folderFor('beside-react');
  const tools = folderFor('tools');
  await Promise.all([
    npmInstall(alone, [tarball]),
    npmInstall(besideReact, [
      tarball,
      'react@19',
      '@types/react@19',
      '@tanstack/react-query@5',
      '@trpc/tanstack-react-query@11.22.1',
    ]),
    npmInstall(tools, [
      ...typescripts.map((name) => `${name}@npm:typescript@${name.slice('typescript-'.length)}`),
      '@types/node@20',
    ]),
  ]);
  return {
    tarball,
    alone,
    besideReact,
    tools,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  };
};

export type Packed = Awaited<ReturnType<typeof installPacked>>;
