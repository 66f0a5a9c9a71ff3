import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { publint } from 'publint';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root } from '../support/processes/run-process.ts';
import { oldestAndNewest, type TypeScript } from './compilers.ts';
import { compile, type Fault, isOfTrpcAlone } from './compile.ts';
import { completionsOf, createHover } from './hover.ts';
import { installPacked, type Packed } from './install-packed.ts';

import { runWell } from './run.ts';

const consumer = readFileSync(new URL('consumer/main.ts', import.meta.url), 'utf8');
const reactConsumer = readFileSync(new URL('consumer/react.ts', import.meta.url), 'utf8');
const nodenext = { module: 'nodenext', moduleResolution: 'nodenext' };
const bundler = { module: 'esnext', moduleResolution: 'bundler' };

let packed: Packed;
beforeAll(async () => {
  packed = await installPacked();
}, 180_000);
afterAll(() => packed?.[Symbol.dispose]());

const compileIn = (folder: string, compiler: TypeScript, files: Record<string, string>, compilerOptions = {}) =>
  compile({ compiler, folder, files, compilerOptions });
const unexpected = (faults: readonly Fault[]) => faults.filter((fault) => !isOfTrpcAlone(fault));
const distOf = (folder: string) => join(folder, 'node_modules/@auth-bff/client/dist');
const builtFiles = () =>
  readdirSync(distOf(packed.alone)).map((name) => ({
    name,
    text: readFileSync(join(distOf(packed.alone), name), 'utf8'),
  }));

describe('the packed client, installed alone', () => {
  it('installs tRPC and superjson, and neither React nor the server', () => {
    const modules = join(packed.alone, 'node_modules');
    const names = readdirSync(modules, { recursive: true, encoding: 'utf8' });
    const installed = names
      .filter((name) => name.endsWith('package.json'))
      .map((name) => name.replace(/\/package\.json$/, ''));
    expect(installed).toEqual(
      expect.arrayContaining(['@auth-bff/client', '@trpc/client', '@trpc/server', 'superjson']),
    );
    const unwanted = /(^|\/)(react|fastify|zod|jose|ioredis|undici|pino|@tanstack|@auth-bff\/(server|shared))(\/|$)/;
    expect(names.filter((name) => unwanted.test(name) && !name.includes('@trpc/'))).toEqual([]);
  });

  it('is loaded by plain Node', async () => {
    const code = `const { createAuthClient, errorAction } = await import('@auth-bff/client');
      const { session } = createAuthClient({ url: 'http://localhost/trpc' });
      console.log(session.current.state, errorAction(new Error('x')));
      session.dispose();`;
    const output = await runWell(process.execPath, ['--input-type=module', '--eval', code], { cwd: packed.alone });
    expect(output).toBe('unknown bug\n');
  });

  it.each(['', '/server', '/live'])('has an entry %s that needs no React', async (entry) => {
    const code = `console.log(Object.keys(await import('@auth-bff/client${entry}')).length > 0)`;
    const output = await runWell(process.execPath, ['--input-type=module', '--eval', code], { cwd: packed.alone });
    expect(output).toBe('true\n');
    const dist = distOf(packed.alone);
    const seen = new Set<string>();
    const importsOf = (name: string): string[] => {
      if (seen.has(name)) return [];
      seen.add(name);
      const found = [...readFileSync(join(dist, name), 'utf8').matchAll(/from ["']([^"']+)["']/g)].map(
        ([, from = '']) => from,
      );
      return found.flatMap((from) => (from.startsWith('./') ? importsOf(from.slice(2)) : [from]));
    };
    const imported = importsOf(entry === '' ? 'index.js' : `${entry.slice(1)}.js`);
    expect(imported.filter((from) => /react/.test(from))).toEqual([]);
  });

  it('adds the code of subscriptions only to pages that import /live', () => {
    const files = new Map(builtFiles().map(({ name, text }) => [name, text]));
    const withImports = (name: string, seen = new Set<string>()): Set<string> => {
      if (seen.has(name)) return seen;
      seen.add(name);
      for (const [, from = ''] of (files.get(name) ?? '').matchAll(/from ["']\.\/([^"']+)["']/g))
        withImports(from, seen);
      return seen;
    };
    const usesStreams = (entry: string) =>
      [...withImports(entry)].some((name) => files.get(name)?.includes('httpSubscriptionLink'));
    expect(['index.js', 'react.js', 'server.js', 'live.js'].filter(usesStreams)).toEqual(['live.js']);
  });

  it('contains no code or types of zod, the server or the context', () => {
    const files = builtFiles();
    expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['index.js', 'index.d.ts']));
    const traces =
      /\b(zod|fastify|jose|ioredis|undici|pino|callsInRequest|isStreamed|isDevelopment|requestSession)\b/gi;
    expect(files.flatMap(({ name, text }) => (text.match(traces) ?? []).map((trace) => `${name}: ${trace}`))).toEqual(
      [],
    );
  });

  it('has types that import only installed dependencies', () => {
    // The type of a subscription's events, `TrackedData`, is exported there only.
    const main = /^(@trpc\/(client|server|server\/rpc|server\/unstable-core-do-not-import)|\.\/[\w.-]+\.js)$/;
    const react =
      /^(@trpc\/(client|server|server\/unstable-core-do-not-import|tanstack-react-query)|@tanstack\/react-query|react|\.\/[\w.-]+\.js)$/;
    const types = builtFiles().filter(({ name }) => name.endsWith('.d.ts'));
    expect(types.map(({ name }) => name)).toEqual(expect.arrayContaining(['index.d.ts', 'react.d.ts']));
    const unexpectedImports = types.flatMap(({ name, text }) =>
      [...text.matchAll(/(?:from |import\()['"]([^'"]+)/g)]
        .map(([, specifier = '']) => specifier)
        .filter((specifier) => !(name === 'react.d.ts' ? react : main).test(specifier))
        .map((specifier) => `${name}: ${specifier}`),
    );
    expect(unexpectedImports).toEqual([]);
  });

  describe('under any compiler', () => {
    // The same calls without the comments that expect them to fail: each has to, where it stands, and in its own way.
    const wrongConsumer = consumer.replaceAll(/^.*@ts-expect-error.*$/gm, '//');
    const wrongLines = wrongConsumer.split('\n').flatMap((line, index) => (line === '//' ? [index + 2] : []));

    // Each compiler, and each resolution under two of them: a compilation by the older ones takes long.
    it.each([
      ['typescript-5.9', nodenext],
      ['typescript-6', bundler],
      ['typescript-7', nodenext],
      ['typescript-7', bundler],
    ] as const)(
      '%s compiles a strict consumer and refuses wrong calls, $moduleResolution',
      async (compiler, resolution) => {
        const files = { 'main.ts': consumer, 'wrong.ts': wrongConsumer };
        const faults = unexpected(await compileIn(packed.alone, compiler, files, resolution));
        expect(faults.map(({ file, line, code }) => ({ file, line, code }))).toEqual([
          { file: 'wrong.ts', line: wrongLines[0], code: 'TS2322' },
          { file: 'wrong.ts', line: wrongLines[1], code: 'TS2339' },
          { file: 'wrong.ts', line: wrongLines[2], code: 'TS2339' },
        ]);
      },
    );
  });

  it('has the same procedure types as the router', async () => {
    const comparison = readFileSync(new URL('same-router.ts.txt', import.meta.url), 'utf8');
    const faults = await compileIn(
      packed.alone,
      'typescript-7',
      { 'same-router.ts': comparison.replaceAll('ROOT', root) },
      {
        ...nodenext,
        lib: ['es2023', 'es2024.string', 'dom', 'dom.iterable'],
        customConditions: ['source'],
        allowImportingTsExtensions: true,
        exactOptionalPropertyTypes: true,
        skipLibCheck: true,
      },
    );
    expect(unexpected(faults)).toEqual([]);
  });

  it('shows the doc comments on hover', () => {
    const hover = createHover({ folder: packed.alone, file: 'hovered.ts', text: consumer });
    expect(hover('trpc.users.byId').doc).toBe('One user by id.');
    expect(hover('trpc.users').doc).toBe('Staff users.');
    expect(hover('trpc.session.login').doc).toMatch(/^Signs in as staff, or as an employee with `as`\./);
    expect(hover('createAuthClient').doc).not.toBe('');
  });

  it("offers the organisation's systems inside of an input, and compiles any other", async () => {
    const file = 'completed.ts';
    const text = `import { createAuthClient } from '@auth-bff/client';
      const { trpc } = createAuthClient({ url: '/trpc' });
      export const found = trpc.users.byRole.query({ system: '|', role: 'Technician' });`;
    const names = completionsOf({ folder: packed.alone, file, text });
    expect(names.toSorted()).toEqual(['AMS', 'BMS', 'HDTS', 'TTS']);
    const files = { [file]: text.replace('|', 'ANOTHER') };
    expect(unexpected(await compileIn(packed.alone, 'typescript-7', files, nodenext))).toEqual([]);
  });

  it('names the types of the answers on hover', () => {
    const text = `import { createAuthClient } from '@auth-bff/client';
      const { trpc } = createAuthClient({ url: '/trpc' });
      const user = await trpc.users.byId.query({ id: 1 });
      const users = await trpc.users.byIds.query({ ids: [1] });
      const me = await trpc.users.me.query();
      const session = await trpc.session.me.query();
      const login = await trpc.session.login.mutate({ email: '', password: '' });
      const assignment = await trpc.assignments.next.mutate({ system: 'TTS', role: 'Technician' });
      const status = await trpc.status.get.query();`;
    const hover = createHover({ folder: packed.alone, file: 'named.ts', text });
    const typeOf = (name: string) => hover(`const ${name}`).type;
    expect(['user', 'users', 'me', 'session', 'login', 'assignment', 'status'].map(typeOf)).toEqual([
      'const user: User',
      'const users: UsersAnswer',
      'const me: User | Employee',
      'const session: Session',
      'const login: LoginAnswer',
      'const assignment: Assignment',
      'const status: Status',
    ]);
  });
});

describe('the packed client beside React', () => {
  it("begins with 'use client' in the React entry, and in no other", () => {
    const entries = ['index', 'live', 'react', 'server', 'testing'];
    const isMarked = (name: string) =>
      /^['"]use client['"]/.test(readFileSync(join(distOf(packed.besideReact), `${name}.js`), 'utf8'));
    expect(entries.filter(isMarked)).toEqual(['react']);
  });

  it.each(oldestAndNewest)('compiles a consumer of ./react under %s', async (name) => {
    const faults = await compileIn(packed.besideReact, name, { 'react.ts': reactConsumer }, nodenext);
    expect(unexpected(faults)).toEqual([]);
  });

  it('has one copy of the code that both entries use', () => {
    const dist = distOf(packed.besideReact);
    const code = readdirSync(dist)
      .filter((name) => name.endsWith('.js'))
      .map((name) => readFileSync(join(dist, name), 'utf8'))
      .join('\n');
    // The bundler names each module above its code.
    const modules = [...code.matchAll(/^\/\/ ((?:client|shared)\/src\/\S+)$/gm)].map(([, name]) => name);
    expect(modules).toEqual(expect.arrayContaining(['client/src/errors.ts', 'client/src/react/hooks.ts']));
    expect(modules).toEqual([...new Set(modules)]);
  });

  it('is loaded by plain Node', async () => {
    const script = `console.log(Object.keys(await import('@auth-bff/client/react')).length > 0)`;
    const output = await runWell(process.execPath, ['--input-type=module', '--eval', script], {
      cwd: packed.besideReact,
    });
    expect(output).toBe('true\n');
  });
});

describe('the package', () => {
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
    expect(output).toContain('+ @auth-bff/client@');
  });

  it('leaves the package.json of the workspace unchanged', () => {
    const manifest = readFileSync(join(root, 'client/package.json'), 'utf8');
    expect(manifest).toContain('"source": "./src/index.ts"');
    expect(manifest).toContain('"devDependencies"');
  });
});
