import { expect, it } from 'vitest';
import { collectPublicNames } from '../support/public-names/public-names.ts';
import { runTraffic } from '../support/public-names/run-traffic.ts';
import { hasRedis, startRedis } from '../support/redis/redis.ts';
import { inRedis } from '../support/redis/in-redis.ts';

// Code, dashboards and alerts outside this repository depend on these names. To add a name: run `npx vitest run -u` on this
// file, and run `npm run changeset`. Renaming or removing a name is a breaking change.

it('procedures, reasons, headers, cookies, variables, metrics, log fields, flags and exports are the published ones', async () => {
  const memory = await runTraffic();
  const away = await runTraffic({ REDIS_URL: 'redis://127.0.0.1:1' }, { redisTimeoutMs: 50 });
  const names = collectPublicNames(memory, away);
  await expect(`${JSON.stringify(names, null, 2)}\n`).toMatchFileSnapshot('./public-names.txt');
});

const hash = /[A-Za-z0-9_-]{16,}/g;

it.skipIf(!hasRedis())('the names of Redis keys, and the types of their values, are the published ones', async () => {
  await using server = await startRedis();
  // On a busy machine a Redis timeout would make the BFF count in memory.
  await runTraffic({ REDIS_URL: server.url }, { startRedisTimer: () => () => {}, redisTimeoutMs: 30_000 });
  const described = await inRedis(server, async (client) =>
    Promise.all(
      (await client.keys('*')).map(async (key) => `${key.replaceAll(hash, '<hash>')} ${await client.type(key)}`),
    ),
  );
  await expect(`${[...new Set(described)].toSorted().join('\n')}\n`).toMatchFileSnapshot('./redis-keys.txt');
});
