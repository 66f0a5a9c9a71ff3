import { describe, expect, it, vi } from 'vitest';
import { checkRedis } from '../../server/src/doctor/checks/redis.ts';
import { createRedis } from '../../server/src/platform/redis/redis.ts';
import { silentLog } from '../support/output/silent-log.ts';
import { hasRedis, startRedis } from '../support/redis/redis.ts';
import { startFakeRedis } from '../support/redis/fake-redis.ts';

describe.skipIf(!hasRedis())('several nodes of a cluster in REDIS_URL', () => {
  it('lead to the cluster although the first one is down and the second one hangs', async () => {
    await using redis = await startRedis({ isCluster: true });
    await using hanging = await startFakeRedis({ answer: () => '' });
    const nodes = ['127.0.0.1:1', hanging.url.replace('redis://', ''), `127.0.0.1:${redis.port}`];
    const connection = createRedis({ url: `redis://${nodes.join(',')}?cluster=true`, log: silentLog });
    await vi.waitFor(async () => expect(await connection.redis.set('key', 'value')).toBe('OK'));
    expect(connection.state()).toBe('up');
    connection.close();
  });

  it('are checked by the doctor one by one', async () => {
    await using redis = await startRedis({ isCluster: true });
    const check = (nodes: string[]) =>
      checkRedis({ url: `redis://${nodes.join(',')}?cluster=true`, prefix: 'auth-bff:', deadlineMs: 10_000 });
    expect(await check(['127.0.0.1:1', `127.0.0.1:${redis.port}`])).toMatchObject([
      { level: 'ok' },
      { level: 'warning', message: expect.stringMatching(/^node 1 of 2 is unusable: the connection is refused/) },
    ]);
    expect(await check(['127.0.0.1:1', '127.0.0.1:2'])).toMatchObject([{ level: 'problem' }, { level: 'problem' }]);
  });
});
