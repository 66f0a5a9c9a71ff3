import { copyFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ConfigError, loadConfig } from '../../server/src/config.ts';
import { checkRedis } from '../../server/src/doctor/checks/redis.ts';
import { createRedis } from '../../server/src/platform/redis/redis.ts';
import { silentLog } from '../support/output/silent-log.ts';
import { inRedis } from '../support/redis/in-redis.ts';
import { hasRedis, startRedis } from '../support/redis/redis.ts';
import { startSentinel } from '../support/redis/start-sentinel.ts';
import { createTlsFiles, hasOpenssl, type TlsFiles } from '../support/redis/tls-files.ts';

const required = {
  DJANGO_JWT_SIGNING_KEY: 'signing-key-of-32-bytes-exactly!',
  AUTH_SERVICE_URL: 'http://auth-service:8000',
  AUTH_API_KEY: 'internal-api-key',
};

const faultOf = (url: string): string => {
  try {
    loadConfig({ ...required, REDIS_URL: url });
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return '';
};

const connect = async (url: string) => {
  const connection = createRedis({ url, log: silentLog });
  await connection.untilReady();
  return { ...connection, [Symbol.dispose]: () => connection.close() };
};

const up = (connection: { state: () => string }) => vi.waitFor(() => expect(connection.state()).toBe('up'));

describe.skipIf(!hasRedis() || !hasOpenssl())('Redis with TLS that requires client certificates', () => {
  let files: TlsFiles;
  beforeAll(() => {
    files = createTlsFiles();
  });
  afterAll(() => files?.[Symbol.dispose]());

  it('is used with the files in the address, and not without them or with a certificate of another authority', async () => {
    await using redis = await startRedis({ tls: files });
    const at = `rediss://localhost:${redis.tlsPort}`;
    using connection = await connect(`${at}?${files.query()}`);
    await up(connection);
    expect(await connection.redis.set('a', 'b')).toBe('OK');
    for (const query of [files.query('stranger'), `ca=${files.pathOf('ca.crt')}`, '']) {
      using refused = await connect(`${at}?${query}`);
      expect(refused.state()).toBe('away');
    }
  });

  it('is used as a cluster', async () => {
    await using redis = await startRedis({ tls: files, isCluster: true });
    using connection = await connect(`rediss://127.0.0.1:${redis.tlsPort}?cluster=true&${files.query()}`);
    await vi.waitFor(async () => expect(await connection.redis.set('a', 'b')).toBe('OK'));
  });

  it('is used behind sentinels that require them, too', async () => {
    await using redis = await startSentinel({ tls: files, sentinels: 1, replicas: 0 });
    using connection = await connect(`${redis.tlsUrl}?${files.query()}`);
    await up(connection);
    expect(await connection.redis.set('a', 'b')).toBe('OK');
    using refused = await connect(redis.tlsUrl);
    expect(refused.state()).toBe('away');
  });

  it('is used with renewed files after a reconnect, and with the earlier ones while the new ones are faulty', async () => {
    await using redis = await startRedis({ tls: files });
    const [cert, key] = [files.pathOf('renewed.crt'), files.pathOf('renewed.key')];
    const put = (name: string) => {
      copyFileSync(files.pathOf(`${name}.crt`), cert);
      copyFileSync(files.pathOf(`${name}.key`), key);
    };
    put('stranger');
    using connection = await connect(
      `rediss://localhost:${redis.tlsPort}?ca=${files.pathOf('ca.crt')}&cert=${cert}&key=${key}`,
    );
    expect(connection.state()).toBe('away');
    put('client');
    await up(connection);
    writeFileSync(key, 'half a file');
    await inRedis(redis, (client) => client.client('KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
    await vi.waitFor(async () => expect(await connection.redis.get('a')).toBeNull());
  });

  it('is checked by the doctor with the files', async () => {
    await using redis = await startRedis({ tls: files });
    const check = (query: string) =>
      checkRedis({ url: `rediss://localhost:${redis.tlsPort}?${query}`, prefix: 'a:', deadlineMs: 10_000 });
    expect(await check(files.query())).toMatchObject([{ level: 'ok' }]);
    expect(await check('')).toMatchObject([
      {
        level: 'problem',
        message: expect.stringContaining('certificate is not trusted'),
        fix: expect.stringContaining('?ca='),
      },
    ]);
  });

  it('stops the start if a file is missing or unfit, with its path and none of its content', () => {
    const { pathOf } = files;
    writeFileSync(pathOf('garbage.pem'), 'sekret-content');
    const faults = [
      [`ca=${pathOf('missing.pem')}`, `the file "${pathOf('missing.pem')}" of ca= cannot be read (ENOENT)`],
      [`ca=${pathOf('')}`, `of ca= cannot be read (EISDIR)`],
      [`ca=${pathOf('garbage.pem')}`, `the file "${pathOf('garbage.pem')}" of ca= is not a certificate in PEM`],
      [`cert=${pathOf('client.crt')}&key=${pathOf('garbage.pem')}`, 'of key= is not a private key in PEM'],
      [
        `cert=${pathOf('client.crt')}&key=${pathOf('stranger.key')}`,
        `the key in "${pathOf('stranger.key')}" does not belong to the certificate in "${pathOf('client.crt')}"`,
      ],
    ] as const;
    for (const [query, expected] of faults) {
      const fault = faultOf(`rediss://:sekret-pass@redis?${query}`);
      expect(fault).toContain(`REDIS_URL: `);
      expect(fault).toContain(expected);
      expect(fault).not.toMatch(/sekret|BEGIN/);
    }
    expect(faultOf(`rediss://redis?${files.query()}`)).toBe('');
  });
});
