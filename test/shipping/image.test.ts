import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../server/src/config.ts';
import { createBrowser } from '../support/app/browser.ts';
import { freePort } from '../support/processes/run-process.ts';
import { imageOf } from './images.ts';
import { knownVariables } from './known-variables.ts';
import { checkHealth, startContainer } from './start-container.ts';
import { johnsCredentials } from '../support/app/people.ts';

const keys = { DJANGO_JWT_SIGNING_KEY: 'a-signing-key-of-the-shipping-tests-alone', AUTH_API_KEY: 'an-api-key' };
const required = { ...keys, AUTH_SERVICE_URL: 'http://auth-service:8000' };

const filesOf = (stage: string): string[] => {
  const { folder } = imageOf(stage);
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
    toCheck: (part) => part.replace('127.0.0.1/8000', `127.0.0.1/${port}`),
  });
  await container.untilHealthy();
  return { ...container, url: `http://127.0.0.1:${port}` };
};

describe('the production image', () => {
  const image = () => imageOf('production');

  it('contains the bundled programs, their manifest, the API reference and the two unbundled packages, and no sources or tests', () => {
    const files = filesOf('production');
    const own = files.filter((path) => !path.startsWith('node_modules/'));
    expect(own).toEqual(expect.arrayContaining(['dist/main.js', 'dist/cli.js', 'health-check.sh', 'package.json']));
    const expected = /^(dist\/[\w-]+\.js|dist\/swagger-ui\/[\w.-]+|health-check\.sh|package\.json)$/;
    expect(own.filter((path) => !expected.test(path))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining(['node_modules/ioredis/package.json', 'node_modules/@opentelemetry/api/package.json']),
    );
  });

  it('sets only variables that the service knows, and listens on all interfaces', () => {
    const known = knownVariables();
    expect(Object.keys(image().env).filter((name) => !known.has(name))).toEqual([]);
    const config = loadConfig({ ...image().env, ...required });
    expect(config).toMatchObject({ isDevelopment: false, host: '0.0.0.0', opsHost: '0.0.0.0' });
    expect(image().exposedPorts).toEqual([config.port, config.opsPort]);
  });

  it('names the missing variables and exits with 1 if it starts without an environment', async () => {
    await using container = startContainer({ image: image(), env: {} });
    expect(await container.exited).toBe(1);
    expect(container.output()).toMatch(/DJANGO_JWT_SIGNING_KEY: is not set[^]*AUTH_SERVICE_URL[^]*AUTH_API_KEY/);
  });

  it('becomes healthy, signs a person in, and exits with 0 on SIGTERM', async () => {
    await using authService = await startAuthService();
    const port = await freePort();
    const env = { ...keys, AUTH_SERVICE_URL: authService.url, PORT: String(port), OPS_PORT: '0' };
    expect(await checkHealth({ image: image(), env })).toBe(1);
    await using container = startContainer({ image: image(), env });
    await container.untilHealthy();

    const { trpc } = createBrowser({ url: `http://127.0.0.1:${port}` });
    await trpc.session.login.mutate(johnsCredentials);
    expect(await trpc.users.byId.query({ id: 123 })).toMatchObject({ email: 'user@example.com' });

    container.kill('SIGTERM');
    expect(await container.exited).toBe(0);
    expect(container.output()).toContain('"msg":"Stopped."');
    expect(await container.checkHealth()).toBe(1);
    authService.kill('SIGTERM');
    expect(await authService.exited).toBe(0);
  });

  it('has the command line of the doctor', async () => {
    await using doctor = startContainer({ image: { ...image(), command: ['node', 'dist/cli.js', 'doctor'] }, env: {} });
    expect(await doctor.exited).toBe(1);
    expect(doctor.output()).toContain('DJANGO_JWT_SIGNING_KEY');
  });
});
