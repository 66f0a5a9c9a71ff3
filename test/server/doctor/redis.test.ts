import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { checkRedis } from '../../../server/src/doctor/redis.ts';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis.ts';
import { serve } from '../../support/serve.ts';

/** By default longer than any machine takes. */
const check = (url: string, deadlineMs = 60_000) => checkRedis({ url, deadlineMs });

const configure = async ({ url }: RedisServer, ...command: string[]) => {
  const client = new Redis(url);
  await client.call(command[0] ?? '', ...command.slice(1));
  client.disconnect();
};

describe.skipIf(!hasRedis())('the Redis in REDIS_URL', () => {
  it('that can be used is told by its version, and that it forgets where it keeps nothing', async () => {
    await using redis = await startRedis();
    const finding = await check(redis.url);
    expect(finding.level).toBe('ok');
    expect(finding.says).toMatch(/^is that of a Redis \d+\.\d+\.\d+ that can be used, which forgets the latest turns/);
  });

  it('is told to refuse a wrong password, and to want one that is missing, and neither is repeated', async () => {
    await using redis = await startRedis();
    await configure(redis, 'CONFIG', 'SET', 'requirepass', 'redis-pass-1');
    const { port } = redis;
    const wrong = await check(`redis://:wrong-pass-1@127.0.0.1:${port}`);
    expect(wrong).toMatchObject({ level: 'problem', says: 'Redis cannot be used: Redis refuses the password' });
    const missing = await check(redis.url);
    expect(missing).toMatchObject({ level: 'problem', says: 'Redis cannot be used: Redis wants a password' });
    expect(JSON.stringify([wrong, missing])).not.toMatch(/-pass-1/);
    expect(await check(`redis://:redis-pass-1@127.0.0.1:${port}`)).toMatchObject({ level: 'ok' });
  });

  it('that permits no scripts cannot be used', async () => {
    await using redis = await startRedis();
    await configure(redis, 'ACL', 'SETUSER', 'weak', 'on', '>weak-pass-1', '~*', '+@all', '-@scripting');
    const finding = await check(`redis://weak:weak-pass-1@127.0.0.1:${redis.port}`);
    expect(finding).toMatchObject({ level: 'problem', says: expect.stringContaining('does not permit') });
  });

  it('that throws keys out when it is full is a warning', async () => {
    await using redis = await startRedis();
    await configure(redis, 'CONFIG', 'SET', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru');
    expect(await check(redis.url)).toMatchObject({ level: 'warning', says: expect.stringContaining('allkeys-lru') });
  });

  it('that is a replica takes no turns', async () => {
    await using primary = await startRedis();
    await using replica = await startRedis();
    await configure(replica, 'REPLICAOF', '127.0.0.1', String(primary.port));
    await configure(replica, 'CONFIG', 'SET', 'replica-serve-stale-data', 'yes');
    expect(await check(replica.url)).toMatchObject({ level: 'problem', says: expect.stringContaining('is a replica') });
  });

  it('that is a cluster has to be named as one, and one that is none has not', async () => {
    await using cluster = await startRedis({ isCluster: true });
    await using single = await startRedis();
    expect(await check(`${cluster.url}?cluster=true`)).toMatchObject({ level: 'ok' });
    expect(await check(cluster.url)).toMatchObject({ level: 'problem', todo: 'Add ?cluster=true to REDIS_URL' });
    expect(await check(`${single.url}?cluster=true`)).toMatchObject({ level: 'problem' });
  });

  it('that hangs is given up within the deadline', async () => {
    await using redis = await startRedis();
    redis.pause();
    expect(await check(redis.url, 300)).toMatchObject({ says: 'Redis cannot be used: no answer in time' });
    redis.resume();
  });
});

describe('what is no Redis in REDIS_URL', () => {
  it('is told as no answer, whether it speaks something else or the address cannot be read', async () => {
    await using web = await serve((_request, response) => void response.end());
    const url = web.url.replace('http:', 'redis:');
    expect(await check(url, 1_000)).toMatchObject({ level: 'problem' });
    expect(await check('redis://:%E0%A4%A@127.0.0.1:9', 1_000)).toMatchObject({ level: 'problem' });
    expect(await check('redis://no-such-host.invalid:6379')).toMatchObject({
      says: 'Redis cannot be used: its name is not known here',
    });
  });
});
