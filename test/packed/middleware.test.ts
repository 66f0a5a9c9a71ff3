import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { codeBlocksIn, readPage } from '../support/docs/markdown.ts';
import { root } from '../support/processes/run-process.ts';
import { signingKey, staffToken } from '../support/token/tokens.ts';
import { oldestAndNewest, type TypeScript } from './compilers.ts';
import { faultsIn, guardAnswers, runModule } from './guard-consumers.ts';
import { createPacking } from './packing.ts';
import { runWell } from './run.ts';

/** The consumers of the server package, which re-exports the same. */
const consumer = (name: string) =>
  readFileSync(new URL(`consumer/${name}`, import.meta.url), 'utf8').replaceAll(
    '@auth-bff/server/',
    '@auth-bff/middleware/',
  );

/** The packages of each recipe, by its file in docs/middleware.md. */
const recipes: Record<string, string[]> = {
  'node-http.ts': [],
  'koa.ts': ['koa@3', '@types/koa@3'],
  'hono.ts': ['hono@4'],
  'socket-io.ts': ['socket.io@4'],
  'auth.guard.ts': ['@nestjs/common@11', 'rxjs@7', 'reflect-metadata@0.2'],
};

const installPackedMiddleware = async () => {
  const packing = createPacking('middleware');
  const alone = await packing.project('alone');
  const beside = await packing.project('beside', ['express@5', '@types/express@5', '@types/passport@1', 'fastify@5']);
  const besideExpress4 = await packing.project('beside-express-4', ['express@4', '@types/express@4']);
  const recipesFolder = await packing.project('recipes', Object.values(recipes).flat());
  return { ...packing, alone, beside, besideExpress4, recipesFolder };
};

let packed: Awaited<ReturnType<typeof installPackedMiddleware>>;
beforeAll(async () => {
  packed = await installPackedMiddleware();
}, 400_000);
afterAll(() => packed?.[Symbol.dispose](), 60_000);

const entries = ['', '/express', '/fastify', '/fetch'];

const faultsOf = (folder: string, compiler: TypeScript, files: Record<string, string>, compilerOptions = {}) =>
  faultsIn({
    compiler,
    folder,
    files,
    compilerOptions: { module: 'nodenext', moduleResolution: 'nodenext', ...compilerOptions },
  });

const token = staffToken(Date.now());

describe('the packed middleware', () => {
  it('brings jose alone, and takes less than 1 MB with it', () => {
    const modules = join(packed.alone, 'node_modules');
    const names = readdirSync(modules, { recursive: true, encoding: 'utf8' });
    const packages = names.filter((name) => /^(@[^/]+\/)?[^/@.]+\/package\.json$/.test(name));
    expect(packages.toSorted()).toEqual(['@auth-bff/middleware/package.json', 'jose/package.json']);
    const sizes = names.map((name) => statSync(join(modules, name))).filter((stat) => stat.isFile());
    expect(sizes.reduce((sum, { size }) => sum + size, 0)).toBeLessThan(1_000_000);
    const manifest = JSON.parse(readFileSync(join(modules, '@auth-bff/middleware/package.json'), 'utf8')) as object;
    expect(manifest).toMatchObject({ dependencies: { jose: expect.any(String) } });
    expect(manifest).not.toHaveProperty('devDependencies');
  });

  it('contains no code or types of zod, the service or a framework, and no source', () => {
    const dist = join(packed.alone, 'node_modules/@auth-bff/middleware/dist');
    const files = readdirSync(dist);
    expect(files.filter((name) => !/\.(js|d\.ts)$/.test(name))).toEqual([]);
    const traces = files.flatMap((name) => {
      const text = readFileSync(join(dist, name), 'utf8');
      const found = text.match(/from ["'](?!\.\/|node:|fastify["'])[^"']+|\b(zod|undici|lru-cache|superjson)\b/g) ?? [];
      return found.map((trace) => `${name}: ${trace}`);
    });
    expect(traces).toEqual([]);
  });

  it.each(entries)('has an entry %s that loads few modules, and jose only for a JWKS', async (entry) => {
    // Modules that were loaded, as the hooks of Node see them.
    const code = `import { register } from 'node:module';
      import { MessageChannel } from 'node:worker_threads';
      const { port1, port2 } = new MessageChannel();
      const loaded = [];
      port1.on('message', (url) => loaded.push(url));
      const hooks = 'let port; export const initialize = (data) => { port = data.port; };' +
        'export const load = async (url, context, next) => { port.postMessage(url); return next(url, context); };';
      register('data:text/javascript,' + encodeURIComponent(hooks), { data: { port: port2 }, transferList: [port2] });
      const before = performance.now();
      const names = Object.keys(await import('@auth-bff/middleware${entry}'));
      const ms = Math.round(performance.now() - before);
      await new Promise((resolve) => setImmediate(resolve));
      port1.close();
      console.log(JSON.stringify({ names, ms, loaded: loaded.filter((url) => url.startsWith('file:')) }));`;
    const { names, loaded } = JSON.parse(await runModule(packed.alone, code)) as { names: string[]; loaded: string[] };
    expect(names.length).toBeGreaterThan(0);
    expect(loaded.filter((url) => !url.includes('/@auth-bff/middleware/dist/'))).toEqual([]);
    expect(loaded.length).toBeGreaterThan(0);
    expect(loaded.length).toBeLessThanOrEqual(4);
  });

  it('verifies a token without jose, and an assertion with it', async () => {
    const code = `import { createServer } from 'node:http';
      import { once } from 'node:events';
      import { generateKeyPairSync, sign } from 'node:crypto';
      import { createAuthenticator } from '@auth-bff/middleware';
      const [signingKey, token] = process.argv.slice(-2);
      const byKey = createAuthenticator({ signingKeys: [signingKey] });
      const first = await byKey.authenticate({ url: '/', headers: { authorization: 'Bearer ' + token } });
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'a', alg: 'EdDSA', use: 'sig' };
      const server = createServer((_request, response) => response.end(JSON.stringify({ keys: [jwk] }))).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const { authenticate } = createAuthenticator({ jwks: 'http://127.0.0.1:' + server.address().port, audience: 'tickets' });
      const text = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const second = Math.floor(Date.now() / 1000);
      const input = text({ alg: 'EdDSA', kid: 'a' }) + '.' +
        text({ iss: 'auth-bff', aud: 'tickets', sub: 'employee:7', iat: second, exp: second + 60 });
      const assertion = input + '.' + sign(null, Buffer.from(input), privateKey).toString('base64url');
      const then = await authenticate({ url: '/', headers: { 'x-auth-assertion': assertion } });
      console.log(first.principal.id, then.principal.type, then.principal.id);
      server.close();
      server.closeAllConnections();`;
    expect(await runModule(packed.alone, code, [signingKey, token])).toBe('123 employee 7\n');
  });

  it.each(['beside', 'besideExpress4'] as const)('guards a service on Express, %s', async (project) => {
    expect(await runModule(packed[project], consumer('serve-express.mjs'), [signingKey, token])).toBe(guardAnswers);
  });

  it('guards a service on Fastify', async () => {
    expect(await runModule(packed.beside, consumer('serve-fastify.mjs'), [signingKey, token])).toBe(guardAnswers);
  });

  it.each(oldestAndNewest)('compiles a strict consumer with library checks, under %s', async (compiler) => {
    expect(await faultsOf(packed.beside, compiler, { 'express.ts': consumer('express.ts') })).toEqual([]);
  });

  it('compiles a strict consumer with library checks beside Express 4', async () => {
    const files = { 'express.ts': consumer('express.ts') };
    expect(await faultsOf(packed.besideExpress4, 'typescript-7', files)).toEqual([]);
  });

  it.each(['declared-user.ts', 'passport-user.ts'])(
    'works where Request.user is declared already: %s',
    async (name) => {
      const files = { [name]: consumer(`${name}.txt`) };
      expect(await faultsOf(packed.beside, 'typescript-7', files)).toEqual([]);
    },
  );

  it('lets a project declare the type of Request.user as the docs say', async () => {
    const [declaration = ''] = codeBlocksIn(readPage('docs/middleware.md'))
      .filter(({ file }) => file === 'src/express.d.ts')
      .map(({ code }) => code);
    const use = `import express from 'express';
      express().get('/', (request, response) => void response.json(request.user?.exp.toFixed()));
      // @ts-expect-error The claims.
      express().get('/', (request, response) => void response.json(request.user?.exp.trim()));`;
    const guard = "export * from '@auth-bff/middleware/express';";
    const files = { 'claims.d.ts': declaration, 'claims.ts': use, 'guard.ts': guard };
    expect(await faultsOf(packed.beside, 'typescript-7', files)).toEqual([]);
  });

  it('compiles the recipes of docs/middleware.md', async () => {
    const blocks = codeBlocksIn(readPage('docs/middleware.md'));
    const files = Object.fromEntries(
      blocks.flatMap(({ file, code }) => (file !== null && Object.hasOwn(recipes, file) ? [[file, code]] : [])),
    );
    expect(Object.keys(files).toSorted()).toEqual(Object.keys(recipes).toSorted());
    const options = { experimentalDecorators: true, emitDecoratorMetadata: true };
    expect(await faultsOf(packed.recipesFolder, 'typescript-7', files, options)).toEqual([]);
  });

  it('is what publint and are-the-types-wrong ask for, and can be published', async () => {
    const tarball = readFileSync(packed.tarball);
    const { messages } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true });
    expect(messages).toEqual([]);
    const attw = join(root, 'node_modules/.bin/attw');
    await expect(
      runWell(attw, [packed.tarball, '--profile', 'esm-only', '--no-emoji'], { cwd: root }),
    ).resolves.toContain('OK (ESM)');
    expect(await runWell('npm', ['publish', '--dry-run', packed.tarball], { cwd: root })).toContain(
      '+ @auth-bff/middleware@',
    );
  });
});
