import { once } from 'node:events';
import { request } from 'node:http';
import { createServer, type Socket } from 'node:net';
import Fastify from 'fastify';
import { type Cluster, Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import { startAuthService } from '../../../server/dev/auth-service/auth-service.ts';
import { loadConfig } from '../../../server/src/config.ts';
import { createLog } from '../../../server/src/platform/log.ts';
import { createRedis } from '../../../server/src/platform/redis/redis.ts';
import { startFakeRedis } from '../../support/redis/fake-redis.ts';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';
import { serve } from '../../support/app/serve.ts';
import { apiKey, signingKey, startApp } from '../../support/app/start-app.ts';
import { johnsCredentials as credentials } from '../../support/app/people.ts';

/** A Redis connection and its log lines. */
const createConnection = (url: string) => {
  const lines: Array<Record<string, unknown>> = [];
  const log = createLog({
    logLevel: 'info',
    destination: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const connection = createRedis({ url, log });
  return { ...connection, lines, [Symbol.dispose]: () => connection.close() };
};

const connect = async (url: string) => {
  const connection = createConnection(url);
  await connection.untilReady();
  return connection;
};

describe.skipIf(!hasRedis())('a REDIS_URL that passes leads to Redis', () => {
  it('with a percent-encoded user name and password, a database, and a user without a password', async () => {
    await using redis = await startRedis();
    const admin = new Redis(redis.url);
    const [user, word] = ['us%er@1', 'p/a?s#s%w:ö'];
    await admin.call('ACL', 'SETUSER', user, 'on', `>${word}`, '~*', '+@all');
    await admin.call('ACL', 'SETUSER', 'open', 'on', 'nopass', '~*', '+@all');
    const at = `127.0.0.1:${redis.port}`;
    const urls = [
      [`redis://${encodeURIComponent(user)}:${encodeURIComponent(word)}@${at}/3`, user, '3'],
      [`redis://open@${at}`, 'open', '0'],
      [`redis://${at}/15`, 'default', '15'],
    ] as const;
    for (const [url, name, db] of urls) {
      using connection = await connect(url);
      expect(connection.state()).toBe('up');
      const info = await (connection.redis as Redis).client('INFO');
      expect(info).toContain(` db=${db} `);
      expect(info).toContain(` user=${name} `);
      expect(connection.lines).toEqual([]);
    }
    admin.disconnect();
  });

  it.each([
    ['alone', false],
    ['as a cluster, whose nodes tell their addresses in IPv6 too', true],
  ])('at an IPv6 address, %s', async (_what, isCluster) => {
    await using redis = await startRedis({ isCluster, host: '::1' });
    using connection = await connect(`redis://[::1]:${redis.port}${isCluster ? '?cluster=true' : ''}`);
    await vi.waitFor(async () => expect(await connection.redis.set('key', 'value')).toBe('OK'), { timeout: 8_000 });
    expect(connection.state()).toBe('up');
  });

  it('and logs a missing database', async () => {
    await using redis = await startRedis();
    using connection = await connect(`redis://127.0.0.1:${redis.port}/99`);
    expect(connection.lines.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/^Redis does not have the database number in REDIS_URL/),
    ]);
  });
});

describe('over TLS', () => {
  /** Accepts connections, records the first bytes of each, and never responds. */
  const listen = async () => {
    const sockets = new Set<Socket>();
    let said = '';
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('data', (chunk: Buffer) => {
        said += chunk.toString('latin1');
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('No port.');
    return {
      port: address.port,
      said: () => said,
      async [Symbol.asyncDispose]() {
        for (const socket of sockets) socket.destroy();
        server.close();
        await once(server, 'close');
      },
    };
  };

  it('the handshake carries the host name of Redis for proxies (SNI)', async () => {
    await using server = await listen();
    using _connection = await connect(`rediss://localhost:${server.port}`);
    await vi.waitFor(() => expect(server.said().includes('localhost')).toBe(true), { timeout: 5_000 });
  });

  it('a cluster is reached by the name in its certificate', async () => {
    await using server = await listen();
    using connection = createConnection(`rediss://localhost:${server.port}?cluster=true`);
    await vi.waitFor(() => {
      const hosts = (connection.redis as Cluster).nodes().map(({ options }) => options.host);
      expect(hosts).toEqual(['localhost']);
    });
  });
});

it('the Redis client gets the decoded password', async () => {
  await using redis = await startFakeRedis({ answer: () => null });
  using _connection = await connect(redis.url.replace('//', '//:100%25@'));
  await vi.waitFor(() => expect(redis.commands).toContainEqual(['auth', '100%']), { timeout: 5_000 });
});

describe('a valid TRUST_PROXY', () => {
  it.each([
    'true',
    'false',
    '0',
    '1',
    '32',
    'loopback',
    'linklocal,uniquelocal',
    '10.0.0.0/8,::1',
    'fe80::1%eth0',
    '::ffff:10.0.0.0/104',
  ])('is one that Fastify takes: %s', async (value) => {
    const { trustProxy } = loadConfig({
      AUTH_SERVICE_URL: 'http://a',
      AUTH_API_KEY: 'a',
      DJANGO_JWT_SIGNING_KEY: signingKey,
      TRUST_PROXY: value,
    });
    const server = Fastify({ trustProxy: typeof trustProxy === 'number' ? () => true : trustProxy });
    server.get('/', async ({ ip }) => ip);
    expect((await server.inject({ url: '/', headers: { 'x-forwarded-for': '192.0.2.7' } })).statusCode).toBe(200);
  });

  it('with the name of a network makes the BFF trust it', async () => {
    await using app = await startApp({ env: { TRUST_PROXY: 'loopback' } });
    const browser = app.browser({ headers: { 'x-forwarded-for': '192.0.2.7' } });
    await browser.trpc.session.login.mutate(credentials);
    expect(app.authService.calls.at(0)?.headers['x-forwarded-for']).toBe('192.0.2.7');
  });
});

describe('the BFF listens on a valid HOST', () => {
  it.each(['[::1]', '::1', 'localhost', '0.0.0.0'])('%s', async (host) => {
    await using app = await startApp({ env: { HOST: host, OPS_HOST: host } });
    expect((await fetch(`${app.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${await app.listenOps()}/health/live`)).status).toBe(200);
  });
});

describe('the BFF calls a valid AUTH_SERVICE_URL', () => {
  it('at an IPv6 address', async () => {
    await using authService = await startAuthService({ signingKey, apiKey });
    const port = new URL(authService.url).port;
    // The embedded service listens on IPv4: what listens on IPv6 passes on to it.
    await using front = await serve(({ method, url = '' }, response) => {
      request({ port, method, path: url }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }).end();
    }, '::1');
    await using app = await startApp({ upstream: authService, env: { AUTH_SERVICE_URL: front.url } });
    expect(front.url).toContain('[::1]');
    expect(await app.browser().trpc.status.get.query()).toMatchObject({ authService: 'up' });
  });

  it('with a percent-encoded path', async () => {
    const paths: string[] = [];
    await using front = await serve(({ url = '' }, response) => {
      paths.push(url);
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"detail":"no"}');
    });
    await using authService = await startAuthService({ signingKey, apiKey });
    await using app = await startApp({ upstream: authService, env: { AUTH_SERVICE_URL: `${front.url}/a%20b/` } });
    await app.browser().trpc.status.get.query();
    expect(paths).toEqual(['/a%20b/api/v1/users/token/validate/']);
  });
});

describe('the BFF sets cookies for a valid COOKIE_DOMAIN', () => {
  it.each([
    'example.org',
    'EXAMPLE.org',
    '.example.org',
    `${'x'.repeat(63)}.example`,
    '1and1.example',
    'xn--bcher-kva.example',
  ])('%s', async (domain) => {
    await using app = await startApp({ env: { COOKIE_DOMAIN: domain } });
    const browser = app.browser();
    await browser.trpc.session.login.mutate(credentials);
    expect(browser.setCookies.join('\n')).toContain(`; Domain=${domain.replace(/^\./, '').toLowerCase()};`);
  });
});
