import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startApp, type TestApp } from '../support/app/start-app.ts';
import { codeBlocksIn, readPage } from '../support/docs/markdown.ts';
import { tscOf } from './compilers.ts';
import { npmInstall } from './npm-install.ts';
import { runWell } from './run.ts';

let app: TestApp;
let folder: string;
beforeAll(async () => {
  app = await startApp({ now: Date.now });
  folder = mkdtempSync(join(tmpdir(), 'rest-client-'));
  // openapi-typescript itself needs TypeScript 5.
  await npmInstall(folder, ['openapi-typescript@7', 'openapi-fetch@0.17', 'typescript@5.9', '@types/node@20']);
}, 240_000);
afterAll(async () => {
  await app?.[Symbol.asyncDispose]();
  if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
});

it('the client that docs/rest.md generates from a running BFF compiles, and calls it', async () => {
  const code = codeBlocksIn(readPage('docs/rest.md')).find(({ file }) => file === 'main.ts')?.code ?? '';
  expect(code).toContain('createClient<paths>');
  writeFileSync(join(folder, 'main.ts'), code);
  const bin = (name: string) => join(folder, 'node_modules/.bin', name);
  await runWell(bin('openapi-typescript'), [`${app.url}/bff/openapi.json`, '-o', 'bff.d.ts'], { cwd: folder });
  const options = ['--strict', '--exactOptionalPropertyTypes', '--module', 'nodenext', '--target', 'es2022'];
  const tsc = [tscOf('typescript-7'), ...options, '--types', 'node', 'main.ts'];
  await runWell(process.execPath, tsc, { cwd: folder });

  const { access } = await app.authService.issue({ type: 'staff', id: 123 });
  const output = await runWell(process.execPath, ['main.js', app.url, access], { cwd: folder });
  expect(output).toBe('kwame.mensah@example.com 2 [ 99999 ] 404 user_not_found\n');
}, 240_000);
