import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { checkRedis } from '../../../server/src/doctor/checks/redis.ts';
import { startFakeRedis } from '../../support/redis/fake-redis.ts';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis/redis.ts';
import { serve } from '../../support/app/serve.ts';

/** By default longer than any machine takes. */
const checkAll = (url: string, deadlineMs = 60_000, sentinelPassword?: string) =>
  checkRedis({ url, sentinelPassword, prefix: 'auth-bff:', deadlineMs });

/** The only finding. */
const check = async (url: string, deadlineMs?: number) => {
  const [finding, ...others] = await checkAll(url, deadlineMs);
  if (finding === undefined || others.length > 0) throw new Error(`${others.length + 1} findings.`);
  return finding;
};

const configure = async ({ url }: RedisServer, ...command: string[]) => {
  const client = new Redis(url);
  await client.call(command[0] ?? '', ...command.slice(1));
  client.disconnect();
};

describe.skipIf(!hasRedis())('checkRedis', () => {
  it('names the version of a usable Redis, and that it loses data at a restart without persistence', async () => {
    await using redis = await startRedis();
    const finding = await check(redis.url);
    expect(finding.level).toBe('ok');
    expect(finding.message).toMatch(
      /^Redis \d+\.\d+\.\d+ is usable, but the latest assignments are lost when it restarts/,
    );
  });

  it('reports a wrong and a missing password without repeating them', async () => {
    await using redis = await startRedis();
    await configure(redis, 'CONFIG', 'SET', 'requirepass', 'redis-pass-1');
    const { port } = redis;
    const wrong = await check(`redis://:wrong-pass-1@127.0.0.1:${port}`);
    expect(wrong).toMatchObject({ level: 'problem', message: 'Redis is unusable: Redis refuses the password' });
    const missing = await check(redis.url);
    expect(missing).toMatchObject({ level: 'problem', message: 'Redis is unusable: Redis requires a password' });
    expect(JSON.stringify([wrong, missing])).not.toMatch(/-pass-1/);
    expect(await check(`redis://:redis-pass-1@127.0.0.1:${port}`)).toMatchObject({ level: 'ok' });
  });

  it('reports a user without permission for scripts', async () => {
    await using redis = await startRedis();
    await configure(redis, 'ACL', 'SETUSER', 'weak', 'on', '>weak-pass-1', '~*', '+@all', '-@scripting');
    const finding = await check(`redis://weak:weak-pass-1@127.0.0.1:${redis.port}`);
    expect(finding).toMatchObject({ level: 'problem', message: expect.stringContaining('lacks permissions') });
  });

  it('warns about a Redis that evicts keys', async () => {
    await using redis = await startRedis();
    await configure(redis, 'CONFIG', 'SET', 'maxmemory', '100mb', 'maxmemory-policy', 'allkeys-lru');
    expect(await check(redis.url)).toMatchObject({ level: 'warning', message: expect.stringContaining('allkeys-lru') });
  });

  it('reports a read-only replica', async () => {
    await using primary = await startRedis();
    await using replica = await startRedis();
    await configure(replica, 'REPLICAOF', '127.0.0.1', String(primary.port));
    await configure(replica, 'CONFIG', 'SET', 'replica-serve-stale-data', 'yes');
    expect(await check(replica.url)).toMatchObject({
      level: 'problem',
      message: expect.stringContaining('is a read-only replica'),
    });
  });

  it('reports a wrong cluster parameter', async () => {
    await using cluster = await startRedis({ isCluster: true });
    await using single = await startRedis();
    expect(await check(`${cluster.url}?cluster=true`)).toMatchObject({ level: 'ok' });
    expect(await check(cluster.url)).toMatchObject({ level: 'problem', fix: 'Add ?cluster=true to REDIS_URL' });
    expect(await check(`${single.url}?cluster=true`)).toMatchObject({ level: 'problem' });
  });

  it('reports a hanging Redis within the deadline', async () => {
    await using redis = await startRedis();
    redis.pause();
    expect(await check(redis.url, 300)).toMatchObject({ message: 'Redis is unusable: it does not respond in time' });
    redis.resume();
  });
});

describe.skipIf(!hasRedis())('checkRedis', () => {
  it('reports a full memory', async () => {
    await using redis = await startRedis();
    await configure(redis, 'CONFIG', 'SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction');
    expect(await check(redis.url)).toMatchObject({
      level: 'problem',
      message: expect.stringContaining('its memory is full'),
      fix: 'Raise maxmemory of Redis',
    });
  });

  it('reports a missing database', async () => {
    await using redis = await startRedis();
    expect(await check(`${redis.url}/15`)).toMatchObject({ level: 'ok' });
    expect(await check(`${redis.url}/99`)).toMatchObject({
      level: 'problem',
      message: 'Redis is unusable: Redis has no database with this number',
    });
  });

  it('connects to an IPv6 address with percent-encoded user and password', async () => {
    await using redis = await startRedis({ host: '::1' });
    await configure(redis, 'ACL', 'SETUSER', 'us%er@1', 'on', '>p/a?s#s%w', '~*', '+@all');
    const credentials = `${encodeURIComponent('us%er@1')}:${encodeURIComponent('p/a?s#s%w')}`;
    expect(await check(`redis://${credentials}@[::1]:${redis.port}`)).toMatchObject({ level: 'ok' });
  });
});

describe('checkRedis, after an error of its script,', () => {
  const inScript = (error: string) =>
    `ERR Error running script (call to f_db8d8f6383e1a67ce23db65efd679a334c123806): @user_script:1: @user_script: 1: -${error} `;
  const says = async (error: string) => {
    await using redis = await startFakeRedis({
      answer: ([name = '']) => (/^eval$/i.test(name) ? `-${error}\r\n` : null),
    });
    const finding = await check(redis.url);
    expect(finding.level).toBe('problem');
    expect(JSON.stringify(finding)).not.toContain('f_db8d');
    return finding.message.replace('Redis is unusable: ', '');
  };

  it.each([
    ["READONLY You can't write against a read only replica.", 'it is a read-only replica'],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'it is a read-only replica'],
    ['MISCONF Redis is configured to save RDB snapshots, but it is unable to persist.', 'it cannot save them to disk'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'its memory is full'],
    ['NOREPLICAS Not enough good replicas to write.', 'it has too few replicas'],
    ["NOPERM this user has no permissions to run the 'eval' command", 'the Redis user lacks permissions'],
    ['BUSY Redis is busy running a script.', 'it is blocked by a long-running script'],
    ['CLUSTERDOWN Hash slot not served', 'the cluster does not serve all slots'],
    ['MOVED 3999 127.0.0.1:6381', 'it is a cluster'],
    ['LOADING Redis is loading the dataset in memory', 'is still loading its data'],
  ])('explains %j by its code, also as wrapped by Redis 6.2', async (error, expected) => {
    expect(await says(error)).toContain(expected);
    expect(await says(inScript(error))).toContain(expected);
  });

  it('reports a Redis without scripts', async () => {
    expect(await says('ERR unknown command `eval`, with args beginning with: `return 1`, ')).toBe(
      'it does not support scripts',
    );
  });

  it('warns about a failed save, after which Redis rejects writes', async () => {
    const info = 'redis_version:6.2.14\r\nrole:master\r\nloading:0\r\nrdb_last_bgsave_status:err\r\n';
    await using redis = await startFakeRedis({
      answer: ([name = '']) => (/^info$/i.test(name) ? `$${info.length}\r\n${info}\r\n` : null),
    });
    expect(await check(redis.url)).toMatchObject({
      level: 'warning',
      message: expect.stringContaining('could not save'),
    });
  });
});

describe('checkRedis, without a Redis at the address,', () => {
  it('reports another service, an invalid address and an unknown host', async () => {
    await using web = await serve((_request, response) => void response.end());
    const url = web.url.replace('http:', 'redis:');
    expect(await check(url, 1_000)).toMatchObject({ level: 'problem' });
    expect(await check(url, 1_000)).toMatchObject({
      message: 'Redis is unusable: the service at this address is not Redis',
    });
    expect(await check('redis://:%E0%A4%A@127.0.0.1:9', 1_000)).toMatchObject({ level: 'problem' });
    expect(await check('redis://no-such-host.invalid:6379')).toMatchObject({
      message: 'Redis is unusable: its host name cannot be resolved',
    });
  });
});
