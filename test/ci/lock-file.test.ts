import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { root } from '../support/processes/run-process.ts';

type Entry = Record<string, unknown>;
type LockFile = { packages: Record<string, Entry> };

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'auth-bff-lock-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the check on the repository's own lock file after a change. */
const check = (change: (lockFile: LockFile) => void = () => {}) => {
  const lockFile = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as LockFile;
  change(lockFile);
  const file = join(folder, 'package-lock.json');
  writeFileSync(file, JSON.stringify(lockFile));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['.ci/lock-file.mjs', file], {
    cwd: root,
    encoding: 'utf8',
  });
  return { status, output: `${stdout}${stderr}` };
};

const changeZod = (change: Entry) =>
  check(({ packages }) => {
    packages['node_modules/zod'] = { ...packages['node_modules/zod'], ...change };
  });

it('package-lock.json has the integrity of every package and no address', () => {
  expect(check()).toEqual({ status: 0, output: expect.stringMatching(/all \d{3,} packages have an integrity/) });
});

it.each([
  ['integrity is missing', { integrity: undefined }, 'has no integrity'],
  [
    'integrity is a forgeable SHA-1 hash',
    { integrity: 'sha1-2jmj7l5rSw0yVb/vlWAYkK/YBwk=' },
    'has an integrity other than one SHA-512',
  ],
  ['address names a registry', { resolved: 'https://registry.npmjs.org/zod/-/zod-4.6.7.tgz' }, 'has an address'],
  ['address names a repository', { resolved: 'git+ssh://git@github.com/colinhacks/zod.git#abc' }, 'has an address'],
  ['address names a file', { resolved: 'file:zod.tgz' }, 'has an address'],
])('the check of the lock file fails if the %s', (_, change, fault) => {
  const { status, output } = changeZod(change);
  expect(status).toBe(1);
  expect(output).toMatch(new RegExp(`^node_modules/zod \\S+: ${fault}`, 'm'));
  expect(output).toContain('npm ci');
});

it('the check of the lock file covers packages nested in another package or in a workspace', () => {
  const { status, output } = check(({ packages }) => {
    packages['node_modules/zod/node_modules/nested'] = { version: '1.0.0' };
    packages['server/node_modules/nested'] = { version: '2.0.0' };
  });
  expect(status).toBe(1);
  expect(output).toContain('node_modules/zod/node_modules/nested 1.0.0: has no integrity');
  expect(output).toContain('server/node_modules/nested 2.0.0: has no integrity');
});

it('the check of the lock file covers optional packages of other operating systems', () => {
  const { status, output } = check(({ packages }) => {
    delete packages['node_modules/@biomejs/cli-win32-x64']?.integrity;
  });
  expect([status, output]).toEqual([1, expect.stringContaining('@biomejs/cli-win32-x64')]);
});

it('the check of the lock file fails if the file lists no packages', () => {
  const { status, output } = check((lockFile) => {
    lockFile.packages = {};
  });
  expect([status, output]).toEqual([1, expect.stringContaining('lists no packages')]);
});
