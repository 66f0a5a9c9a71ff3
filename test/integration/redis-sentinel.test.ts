import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRedisChannel } from '../../server/src/platform/redis/redis-channel.ts';
import { createRedis } from '../../server/src/platform/redis/redis.ts';
import { createLog } from '../../server/src/platform/log.ts';
import { checkRedis } from '../../server/src/doctor/checks/redis.ts';
import { hasRedis } from '../support/redis/redis.ts';
import { type SentinelDeployment, startSentinel } from '../support/redis/start-sentinel.ts';
import { startFakeRedis } from '../support/redis/fake-redis.ts';

const password = 'sentinel-pass-1';

/** A connection as the BFF opens it, and its log lines. */
const open = async (url: string, sentinelPassword: string | null = password) => {
  const lines: Array<Record<string, unknown>> = [];
  const log = createLog({
    logLevel: 'info',
    destination: { write: (line: string) => void lines.push(JSON.parse(line) as Record<string, unknown>) },
  });
  const connection = createRedis({ url, sentinelPassword, log });
  await connection.untilReady();
  return { ...connection, lines, [Symbol.dispose]: () => connection.close() };
};

const check = (url: string, sentinelPassword: string | null = password) =>
  checkRedis({ url, sentinelPassword, prefix: 'auth-bff:', deadlineMs: 10_000 });

describe.skipIf(!hasRedis())('Redis with Sentinel', () => {
  let redis: SentinelDeployment;
  let sentinels: string[];
  beforeAll(async () => {
    redis = await startSentinel({ password });
    sentinels = redis.sentinelPorts.map((port) => `127.0.0.1:${port}`);
  });
  afterAll(() => redis?.[Symbol.asyncDispose]());

  const urlOf = (hosts: readonly string[], rest = '/mymaster') => `redis+sentinel://${hosts.join(',')}${rest}`;

  it('is used in the database of the address, which names the primary', async () => {
    using connection = await open(urlOf(sentinels, '/mymaster/3'));
    expect(connection.state()).toBe('up');
    expect(await (connection.redis as { client: (what: string) => Promise<unknown> }).client('INFO')).toContain(
      ' db=3 ',
    );
    expect(await connection.redis.set('a', 'b')).toBe('OK');
    expect(connection.lines).toEqual([]);
  });

  it('is found within the start although the first sentinel is down and the second one hangs', async () => {
    await using hanging = await startFakeRedis({ answer: () => '' });
    using connection = await open(urlOf(['127.0.0.1:1', hanging.url.replace('redis://', ''), ...sentinels]));
    await vi.waitFor(() => expect(connection.state()).toBe('up'));
  });

  it('is not found by another name, and the log says that the sentinels do not know it', async () => {
    using connection = await open(urlOf(sentinels, '/other'));
    expect(connection.state()).toBe('away');
    await vi.waitFor(() =>
      expect(connection.lines).toMatchObject([
        { level: 50, cause: 'the sentinels know no primary of the name in REDIS_URL' },
      ]),
    );
  });

  it('is not found with another password of the sentinels, and the log does not repeat it', async () => {
    using connection = await open(urlOf(sentinels), 'wrong-pass-1');
    expect(connection.state()).toBe('away');
    await vi.waitFor(() =>
      expect(connection.lines).toMatchObject([{ level: 50, cause: expect.stringMatching(/WRONGPASS/) }]),
    );
    expect(JSON.stringify(connection.lines)).not.toContain('pass-1');
  });

  it('is checked by the doctor: sentinels, password, name and primary', async () => {
    expect(await check(urlOf(sentinels))).toMatchObject([
      { level: 'ok', message: expect.stringMatching(/^Redis [\d.]+ is usable/) },
    ]);
    expect(await check(urlOf([...sentinels, '127.0.0.1:1']))).toMatchObject([
      { level: 'ok' },
      { level: 'warning', message: expect.stringMatching(/^sentinel 4 of 4 is unusable: the connection is refused/) },
    ]);
    expect(await check(urlOf(sentinels, '/other'))).toMatchObject(
      sentinels.map((_, index) => ({
        level: 'problem',
        message: `sentinel ${index + 1} of 3 knows no primary of this name`,
      })),
    );
    expect(await check(urlOf(sentinels), null)).toMatchObject(
      sentinels.map(() => ({ level: 'problem', fix: expect.stringMatching(/^Set REDIS_SENTINEL_PASSWORD/) })),
    );
    const server = `127.0.0.1:${redis.servers[0]?.port}`;
    expect(await check(urlOf([server]), null)).toMatchObject([
      { level: 'problem', message: expect.stringMatching(/it is no sentinel/) },
    ]);
  });

  it('is followed to its new primary by commands and messages if an operator switches it', async () => {
    using connection = await open(urlOf(sentinels));
    const channel = createRedisChannel({ redis: connection.redis, name: 'news' });
    const messages: string[] = [];
    channel.onMessage((text) => void messages.push(text));
    await channel.untilReady();
    const before = await redis.primaryPort();
    await redis.call(redis.sentinelPorts[0] ?? 0, 'SENTINEL', 'FAILOVER', 'mymaster');
    await vi.waitFor(async () => expect(await redis.primaryPort()).not.toBe(before));
    const after = await redis.primaryPort();
    await vi.waitFor(() =>
      expect((connection.redis as { stream: { remotePort?: number } }).stream.remotePort).toBe(after),
    );
    await vi.waitFor(async () => {
      expect(await redis.call(after, 'PUBSUB', 'NUMSUB', 'news')).toEqual(['news', 1]);
    });
    await vi.waitFor(async () => expect(await connection.redis.set('a', 'c')).toBe('OK'));
    await channel.publish('hello');
    await vi.waitFor(() => expect(messages).toEqual(['hello']));
    channel.close();
  });
});
