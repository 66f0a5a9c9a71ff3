import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, it } from 'vitest';
import { startAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { openConnection } from '../support/app/open-connection.ts';
import { queryTarget } from '../support/app/raw-request.ts';
import { apiKey, forgetful, signingKey } from '../support/app/start-app.ts';
import { capture } from '../support/output/captured.ts';
import { bundlePath, root, runProgram } from '../support/processes/run-process.ts';
import { hold } from '../support/time/hold.ts';
import { serviceEnvironment } from '../support/processes/service-environment.ts';

const bundles = process.env.TEST_BUNDLES ?? '';

/** A folder with the scripts of this repository and, in place of the build, the bundle that this run of the tests has made. */
const builtFolder = async () => {
  const path = await mkdtemp(join(tmpdir(), 'auth-bff-start-'));
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { scripts: unknown };
  await writeFile(join(path, 'package.json'), JSON.stringify({ name: 'built', type: 'module', scripts }));
  await mkdir(join(path, 'server/dist'), { recursive: true });
  const programs = ['test/support/time/patient-deadlines.ts', 'server/src/main.ts'];
  const imports = programs.map((program) => `await import('${pathToFileURL(bundlePath(bundles, program)).href}');`);
  await writeFile(join(path, 'server/dist/main.js'), imports.join('\n'));
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
};

it.skipIf(bundles === '')('npm start hands SIGTERM to the service, which answers its in-flight request', async () => {
  await using authService = await startAuthService({ signingKey, apiKey });
  await using folder = await builtFolder();
  await using npm = runProgram({
    program: 'npm',
    args: ['start'],
    cwd: folder.path,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder.path,
      ...serviceEnvironment(authService.url, forgetful),
    },
  });
  const [, url = ''] = await npm.printed(/"address":"([^"]+)"/);
  const { until, release } = hold();
  authService.fault('user', { kind: 'hold', until });
  const { access } = await authService.issue({ type: 'staff', id: 123 });
  const connection = await openConnection(url);
  const target = queryTarget('users.byId', { json: { id: 5 } });
  connection.send(`GET ${target} HTTP/1.1`, 'host: a', `cookie: access_token=${access}`, '', '');
  await expect.poll(() => authService.count('user')).toBe(1);
  npm.kill('SIGTERM');
  await npm.printed(/"signal":"SIGTERM","msg":"Stopping\."/);
  release();
  expect(await connection.closed).toContain('"id":5,');
  expect(await npm.exited).toBe(0);
  expect(npm.output()).toMatch(/"served":1,"cut":0,"msg":"Stopped\."/);
  // npm prints lines of its own.
  const lines = npm.output().split('\n');
  capture('log', lines.filter((line) => line.startsWith('{')).join('\n'));
});

it('npm run dev reads .env where there is one, and npm start does not', async () => {
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const [option = ''] = /--env-file-if-exists=\S+/.exec(scripts.dev ?? '') ?? [];
  expect(scripts.start).not.toContain('env-file');
  const folder = await mkdtemp(join(tmpdir(), 'auth-bff-env-'));
  const print = async () => {
    await using node = runProgram({
      program: process.execPath,
      args: [option, '-p', 'process.env.LOG_LEVEL'],
      cwd: folder,
      env: { PATH: process.env.PATH ?? '' },
    });
    await node.exited;
    return node.output();
  };
  expect(await print()).toContain('undefined');
  await writeFile(join(folder, '.env'), 'LOG_LEVEL=debug\n');
  expect(await print()).toBe('debug\n');
  await rm(folder, { recursive: true });
});
