import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { runCli, runDoctor, wellEnvironment } from '../support/processes/run-doctor.ts';
import { root } from '../support/processes/run-process.ts';
import * as bffKeys from '../support/app/start-app.ts';
import { signingKey, staffToken } from '../support/token/tokens.ts';
import { oldestAndNewest, type TypeScript } from './compilers.ts';
import { faultsIn, guardAnswers, runModule } from './guard-consumers.ts';
import { createPacking } from './packing.ts';
import { run, runWell } from './run.ts';

const consumer = (name: string) => readFileSync(new URL(`consumer/${name}`, import.meta.url), 'utf8');

const installPackedServer = async () => {
  const packing = createPacking('server');
  const [alone, besideExpress] = await Promise.all([
    packing.project('alone'),
    packing.project('beside-express', ['express@5', '@types/express@5']),
  ]);
  return { ...packing, alone, besideExpress };
};

let packed: Awaited<ReturnType<typeof installPackedServer>>;
beforeAll(async () => {
  packed = await installPackedServer();
}, 240_000);
afterAll(() => packed?.[Symbol.dispose](), 60_000);

const faultsOf = (folder: string, compiler: TypeScript, names: readonly string[], resolution: string) =>
  faultsIn({
    compiler,
    folder,
    files: Object.fromEntries(names.map((name) => [name, consumer(name)])),
    compilerOptions: { module: resolution === 'bundler' ? 'esnext' : resolution, moduleResolution: resolution },
  });

const token = staffToken(Date.now());

describe('the packed server', () => {
  it('contains the shared code, and no Express, source or test', () => {
    const modules = join(packed.alone, 'node_modules');
    expect(readdirSync(join(modules, '@auth-bff'))).toEqual(['server']);
    expect(existsSync(join(modules, 'express'))).toBe(false);
    const files = readdirSync(join(modules, '@auth-bff/server'), { recursive: true, encoding: 'utf8' });
    expect(files).toEqual(
      expect.arrayContaining(['dist/main.js', 'dist/index.d.ts', 'dist/shared/index.js', 'dist/middleware/express.js']),
    );
    expect(files.filter((name) => /(?<!\.d)\.ts$|\.map$|test|^(src|dev|build)/.test(name))).toEqual([]);
  });

  it('has entries that plain Node can load', async () => {
    const code = `for (const entry of ['', '/fastify', '/express']) {
      console.log(Object.keys(await import('@auth-bff/server' + entry)).join(' '));
    }`;
    expect((await runModule(packed.alone, code)).split('\n')).toEqual([
      expect.stringMatching(/\bcreateApp createVerifier\b/),
      'requireAuth requireRole requireSystem',
      'requireAuth requireRole requireSystem',
      '',
    ]);
  });

  it('starts the service, which reports missing variables', async () => {
    const { code, output } = await run(process.execPath, ['node_modules/@auth-bff/server/dist/main.js'], {
      cwd: packed.alone,
    });
    expect(output).toContain('AUTH_SERVICE_URL: is not set');
    expect(code).toBe(1);
  });

  it('has the command auth-bff, which checks a configuration', async () => {
    await using authService = await startAuthService({ signingKey: bffKeys.signingKey, apiKey: bffKeys.apiKey });
    const command = { program: 'node_modules/.bin/auth-bff', before: [], cwd: packed.alone };
    const { access } = await authService.issue({ type: 'staff', id: 123 });
    const well = await runDoctor({ env: wellEnvironment(authService.url), token: access, command });
    expect(well.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('signed the token');
    expect(well.line('✓', 'AUTH_API_KEY')).toContain('opens the employee endpoint');
    expect(well).toMatchObject({ code: 0, stderr: '' });
    const env = wellEnvironment(authService.url, { AUTH_API_KEY: 'not-the-key' });
    const ill = await runDoctor({ env, command });
    expect(ill.line('✗', 'AUTH_API_KEY')).toContain('refuses the key (status 403)');
    expect(ill.code).toBe(1);
    const start = await runCli(['start'], { command });
    expect(start.stderr).toContain('AUTH_SERVICE_URL: is not set');
    expect(start.code).toBe(1);
  });

  it('guards a service on Fastify', async () => {
    expect(await runModule(packed.alone, consumer('serve-fastify.mjs'), [signingKey, token])).toBe(guardAnswers);
  });

  // The test of the packed middleware, which is the same code, covers Express 4.
  it('guards a service on Express', async () => {
    const code = consumer('serve-express.mjs');
    expect(await runModule(packed.besideExpress, code, [signingKey, token])).toBe(guardAnswers);
  });

  it.each(['nodenext', 'bundler'])('compiles a strict consumer without Express, %s', async (resolution) => {
    expect(await faultsOf(packed.alone, 'typescript-7', ['fastify.ts'], resolution)).toEqual([]);
  });

  it.each(oldestAndNewest)(
    'compiles strict consumers of both beside Express, under %s',
    async (compiler) => {
      const names = ['express.ts', 'fastify.ts'];
      expect(await faultsOf(packed.besideExpress, compiler, names, 'nodenext')).toEqual([]);
    },
    180_000,
  );

  it('is what publint asks for', async () => {
    const tarball = readFileSync(packed.tarball);
    const { messages } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true });
    expect(messages).toEqual([]);
  });

  it('has types that resolve, as are-the-types-wrong sees them for an ESM package', async () => {
    const attw = join(root, 'node_modules/.bin/attw');
    await expect(
      runWell(attw, [packed.tarball, '--profile', 'esm-only', '--no-emoji'], { cwd: root }),
    ).resolves.toContain('OK (ESM)');
  });

  it('can be published', async () => {
    const output = await runWell('npm', ['publish', '--dry-run', packed.tarball], { cwd: root });
    expect(output).toContain('+ @auth-bff/server@');
  });

  it('leaves the package.json of the workspace unchanged', () => {
    const manifest = readFileSync(join(root, 'server/package.json'), 'utf8');
    expect(manifest).toContain('"source": "./src/express.ts"');
    expect(manifest).toContain('"@auth-bff/shared"');
  });
});
