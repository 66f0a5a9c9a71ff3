import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { parseRedisUrl } from '../../server/src/platform/redis/redis-url.ts';
import { readPage } from '../support/docs/markdown.ts';
import { freePort } from '../support/processes/run-process.ts';
import { inRedis } from '../support/redis/in-redis.ts';
import { hasRedis, startRedis } from '../support/redis/redis.ts';

const { text } = readPage('docs/scaling.md');

it('docs/scaling.md: every example of REDIS_URL is one that the service accepts', () => {
  const examples = [...text.matchAll(/^REDIS_URL='([^']+)'$/gm)].map(([, url = '']) => url);
  expect(examples).toHaveLength(3);
  for (const url of examples) expect(parseRedisUrl(url)).toMatchObject({ value: { unknownParameters: [] } });
});

it.skipIf(!hasRedis())('docs/scaling.md: a sentinel starts with the configuration, and knows the primary', async () => {
  await using redis = await startRedis();
  const port = await freePort();
  const [, documented = ''] = /^```conf\n(port 26379\n[^`]+)```/m.exec(text) ?? [];
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-sentinel-'));
  const path = join(folder, 'sentinel.conf');
  writeFileSync(
    path,
    `bind 127.0.0.1\n${documented.replace('port 26379', `port ${port}`).replace('redis-1 6379', `127.0.0.1 ${redis.port}`)}`,
  );
  const child = spawn(process.env.REDIS_SERVER ?? 'redis-server', [path, '--sentinel'], { stdio: 'ignore' });
  const exited = new Promise((resolve) => child.once('close', resolve));
  try {
    await vi.waitFor(async () =>
      expect(
        await inRedis({ url: `redis://127.0.0.1:${port}` }, (client) =>
          client.call('SENTINEL', 'GET-MASTER-ADDR-BY-NAME', 'mymaster'),
        ),
      ).toEqual(['127.0.0.1', String(redis.port)]),
    );
  } finally {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  }
});
