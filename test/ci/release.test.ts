import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root } from '../support/processes/run-process.ts';

it('the release refuses to publish if no registry is configured for the packages', () => {
  // A folder without the .npmrc of the repository or of a person.
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-release-'));
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, '.ci/release.mjs')], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder },
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true, force: true });
  expect(stderr).toContain('No registry is configured for @auth-bff');
  expect([status, stdout]).toEqual([1, '']);
});
