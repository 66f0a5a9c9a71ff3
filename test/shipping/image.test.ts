import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../server/src/config.ts';
import { createBrowser } from '../support/app/browser.ts';
import { freePort, root } from '../support/processes/run-process.ts';
import { serve } from '../support/app/serve.ts';
import { createIgnore } from './dockerignore.ts';
import { imageOf, images } from './images.ts';
import { knownVariables } from './known-variables.ts';
import { lockedPackages } from './locked-packages.ts';
import { checkHealth, startContainer } from './start-container.ts';

const keys = { DJANGO_JWT_SIGNING_KEY: 'a-signing-key-of-the-shipping-tests-alone', AUTH_API_KEY: 'an-api-key' };
const required = { ...keys, AUTH_SERVICE_URL: 'http://auth-service:8000' };

const filesOf = (stage: string): string[] => {
  const { root: top, workdir } = imageOf(stage);
  const folder = join(top, workdir);
  return readdirSync(folder, { recursive: true, encoding: 'utf8', withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
};

const startAuthService = async () => {
  const port = await freePort();
  const container = startContainer({
    image: imageOf('auth-service'),
    env: keys,
    args: ['--port', String(port), '--control-port', '0'],
    toCheck: (part) => part.replace('127.0.0.1:8000', `127.0.0.1:${port}`),
  });
  await container.untilHealthy();
  return { ...container, url: `http://127.0.0.1:${port}` };
};

describe('the images', () => {
  it('are from one slim Node, and none that is started runs as root', () => {
    expect([...images().values()].map(({ base }) => base)).toEqual(Array(images().size).fill('node:20-slim'));
    const started = [...images().values()].filter(({ command }) => command !== null);
    expect(started).toHaveLength(2);
    expect(started.map(({ user }) => user)).toEqual(['node', 'node']);
  });

  it('end with the one for production, which is built where no target is named', () => {
    expect([...images().keys()].at(-1)).toBe('production');
  });

  it('get nothing from the folder but what they are built from', () => {
    const isIgnored = createIgnore(readFileSync(join(root, '.dockerignore'), 'utf8'));
    const kept = ['package.json', 'package-lock.json', '.npmrc', 'server/src/main.ts', 'client/package.json'];
    expect(kept.filter(isIgnored)).toEqual([]);
    const away = [
      '.env',
      '.git/config',
      'README.md',
      'node_modules/zod/package.json',
      'test/server/session/refresh/refresh.test.ts',
      'client/src/index.ts',
      'server/.env',
      'server/dev/.env.local',
      'server/.npmrc',
      'server/tls/server.key',
      'server/src/chain.pem',
      'server/npm-debug.log',
      'server/dist/left-over.js',
      'shared/node_modules/zod/package.json',
    ];
    expect(away.filter((path) => !isIgnored(path))).toEqual([]);
    expect(existsSync(join(imageOf('build').root, 'app/server/src/main.ts'))).toBe(true);
    expect(filesOf('build').filter((path) => path.startsWith('test/') || path.startsWith('client/src'))).toEqual([]);
  });
});

describe('the image for production', () => {
  const image = () => imageOf('production');

  it('has the packages that the lock file gives the server to run with, and no other', () => {
    const installed = filesOf('production')
      .map((path) => /^(.*node_modules\/(?:@[^/]+\/)?[^/@.][^/]*)\/package\.json$/.exec(path)?.[1] ?? '')
      .filter((path) => path !== '');
    const locked = lockedPackages(join(image().root, image().workdir), 'server');
    expect(locked).toEqual(expect.arrayContaining(['node_modules/fastify', 'node_modules/jose', 'node_modules/zod']));
    expect([...new Set(installed)].toSorted()).toEqual(locked);
  });

  it('has of our own what was built, and no source, test or file of development', () => {
    const own = filesOf('production').filter((path) => !path.includes('node_modules/'));
    const expected =
      /^((shared|server)\/dist\/.*\.(js|d\.ts)|((shared|server|client)\/)?package\.json|package-lock\.json|\.npmrc)$/;
    expect(own).toEqual(expect.arrayContaining(['server/dist/main.js', 'shared/dist/index.js']));
    expect(own.filter((path) => !expected.test(path))).toEqual([]);
    expect(own.filter((path) => path.includes('/dev/'))).toEqual([]);
  });

  it('sets only variables that the service knows, and listens where others can reach it', () => {
    const known = knownVariables();
    expect(Object.keys(image().env).filter((name) => !known.has(name))).toEqual([]);
    const config = loadConfig({ ...image().env, ...required });
    expect(config).toMatchObject({ isDevelopment: false, host: '0.0.0.0', opsHost: '0.0.0.0' });
    expect(image().exposed).toEqual([config.port, config.opsPort]);
  });

  it('says what is missing where it is started with nothing', async () => {
    await using container = startContainer({ image: image(), env: {} });
    expect(await container.exited).toBe(1);
    expect(container.output()).toMatch(/DJANGO_JWT_SIGNING_KEY: is not set[^]*AUTH_SERVICE_URL[^]*AUTH_API_KEY/);
  });

  it('becomes healthy, signs people in, and ends with 0 on SIGTERM', async () => {
    await using authService = await startAuthService();
    const port = await freePort();
    const env = { ...keys, AUTH_SERVICE_URL: authService.url, PORT: String(port), OPS_PORT: '0' };
    expect(await checkHealth({ image: image(), env })).toBe(1);
    await using container = startContainer({ image: image(), env });
    await container.untilHealthy();

    const { trpc } = createBrowser({ url: `http://127.0.0.1:${port}` });
    await trpc.session.login.mutate({ email: 'user@example.com', password: 'staff-pass-1' });
    expect(await trpc.users.byId.query({ id: 123 })).toMatchObject({ email: 'user@example.com' });

    container.kill('SIGTERM');
    expect(await container.exited).toBe(0);
    expect(container.output()).toContain('"msg":"Stopped."');
    expect(await container.checkHealth()).toBe(1);
    authService.kill('SIGTERM');
    expect(await authService.exited).toBe(0);
  });

  it('is unhealthy while it stops, and where it hangs', async () => {
    await using stopping = await serve((request, response) => {
      response.writeHead(request.url === '/health/ready' ? 503 : 200).end();
    });
    await using hanging = await serve(() => {});
    const codes = await Promise.all(
      [stopping, hanging].map(({ url }) => checkHealth({ image: image(), env: { PORT: new URL(url).port } })),
    );
    // Ended after its timeout, it has no code.
    expect(codes).toEqual([1, null]);
  });
});
