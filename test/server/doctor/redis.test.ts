import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { checkRedis } from '../../../server/src/doctor/checks/redis.ts';
import { startFakeRedis } from '../../support/redis/fake-redis.ts';
import { hasRedis, type RedisServer, startRedis } from '../../support/redis/redis.ts';
import { serve } from '../../support/app/serve.ts';

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

describe.skipIf(!hasRedis())('the Redis in REDIS_URL', () => {
  it('that is full takes no writes', async () => {
    await using redis = await startRedis();
    await configure(redis, 'CONFIG', 'SET', 'maxmemory', '1', 'maxmemory-policy', 'noeviction');
    expect(await check(redis.url)).toMatchObject({
      level: 'problem',
      says: expect.stringContaining('its memory is full'),
      todo: 'Raise maxmemory of Redis',
    });
  });

  it('that has no database of that number cannot be used', async () => {
    await using redis = await startRedis();
    expect(await check(`${redis.url}/15`)).toMatchObject({ level: 'ok' });
    expect(await check(`${redis.url}/99`)).toMatchObject({
      level: 'problem',
      says: 'Redis cannot be used: Redis has no database of that number',
    });
  });

  it('is asked at its IPv6 address, with a user and password full of escapes', async () => {
    await using redis = await startRedis({ host: '::1' });
    await configure(redis, 'ACL', 'SETUSER', 'us%er@1', 'on', '>p/a?s#s%w', '~*', '+@all');
    const credentials = `${encodeURIComponent('us%er@1')}:${encodeURIComponent('p/a?s#s%w')}`;
    expect(await check(`redis://${credentials}@[::1]:${redis.port}`)).toMatchObject({ level: 'ok' });
  });
});

describe('what Redis answers to the script that the doctor runs', () => {
  const inScript = (error: string) =>
    `ERR Error running script (call to f_db8d8f6383e1a67ce23db65efd679a334c123806): @user_script:1: @user_script: 1: -${error} `;
  const says = async (error: string) => {
    await using redis = await startFakeRedis({
      answer: ([name = '']) => (/^eval$/i.test(name) ? `-${error}\r\n` : null),
    });
    const finding = await check(redis.url);
    expect(finding.level).toBe('problem');
    expect(JSON.stringify(finding)).not.toContain('f_db8d');
    return finding.says.replace('Redis cannot be used: ', '');
  };

  it.each([
    ["READONLY You can't write against a read only replica.", 'it is a replica, which takes no turns'],
    ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", 'it is a replica'],
    ['MISCONF Redis is configured to save RDB snapshots, but it is unable to persist.', 'it cannot save them'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'its memory is full'],
    ['NOREPLICAS Not enough good replicas to write.', 'too few replicas follow it'],
    ["NOPERM this user has no permissions to run the 'eval' command", 'does not permit its user what is needed'],
    ['BUSY Redis is busy running a script.', 'a script has kept it busy'],
    ['CLUSTERDOWN Hash slot not served', 'its cluster does not serve every key'],
    ['MOVED 3999 127.0.0.1:6381', 'it is a cluster'],
    ['LOADING Redis is loading the dataset in memory', 'still loads what it kept'],
  ])('%j is told by its code, also as Redis 6.2 wraps it', async (error, expected) => {
    expect(await says(error)).toContain(expected);
    expect(await says(inScript(error))).toContain(expected);
  });

  it('is told where it knows no scripts', async () => {
    expect(await says('ERR unknown command `eval`, with args beginning with: `return 1`, ')).toBe('it runs no scripts');
  });

  it('is a warning where it could not save, after which it would take no writes', async () => {
    const info = 'redis_version:6.2.14\r\nrole:master\r\nloading:0\r\nrdb_last_bgsave_status:err\r\n';
    await using redis = await startFakeRedis({
      answer: ([name = '']) => (/^info$/i.test(name) ? `$${info.length}\r\n${info}\r\n` : null),
    });
    expect(await check(redis.url)).toMatchObject({ level: 'warning', says: expect.stringContaining('could not save') });
  });
});

describe('what is no Redis in REDIS_URL', () => {
  it('is told as no answer, whether it speaks something else or the address cannot be read', async () => {
    await using web = await serve((_request, response) => void response.end());
    const url = web.url.replace('http:', 'redis:');
    expect(await check(url, 1_000)).toMatchObject({ level: 'problem' });
    expect(await check(url, 1_000)).toMatchObject({ says: 'Redis cannot be used: what listens there is no Redis' });
    expect(await check('redis://:%E0%A4%A@127.0.0.1:9', 1_000)).toMatchObject({ level: 'problem' });
    expect(await check('redis://no-such-host.invalid:6379')).toMatchObject({
      says: 'Redis cannot be used: its name is not known here',
    });
  });
});
