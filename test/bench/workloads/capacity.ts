import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';
import { createDeskPeople } from '../load/desk-people.ts';
import type { Report, Row } from '../report.ts';
import type { SetUp } from '../set-up.ts';
import { type Peer, startPeer } from '../start-peer.ts';
import { percentile } from '../statistics.ts';

export type CapacityOptions = { setUp: SetUp; report: Report };

const sizes = [100, 1_000];
const measuredMs = 20_000;
/** Generated staff of the embedded Auth Service. */
const firstPersonId = 2_000_001;

const residentMb = ({ pid }: Peer): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_000;

/** Measures the load of 100 and of 1,000 people at a desk on one process: CPU, memory, Redis and the Auth Service. */
export const measureCapacity = async ({ setUp, report }: CapacityOptions): Promise<void> => {
  const section = report.section('People at a desk, with 12 calls a minute and two subscriptions each, on one process');
  if (!hasRedis()) return section.note('Skipped: redis-server is not installed.');
  const { authService, env } = setUp;
  await using redis = await startRedis();
  const client = new Redis(redis.url);
  const commands = async () => Number(/total_commands_processed:(\d+)/.exec(await client.info('stats'))?.[1]);

  const rows: Row[] = [];
  for (const size of sizes) {
    using peer = await startPeer({ script: 'bff.mjs', env: { ...env, REDIS_URL: redis.url } });
    const ids = Array.from({ length: size }, (_, index) => firstPersonId + index);
    const people = await Promise.all(
      ids.map(async (id) => ({
        id,
        cookie: `access_token=${(await authService.issue({ type: 'staff', id })).access}`,
      })),
    );
    const desks = createDeskPeople({ port: peer.port, people });
    await desks.arrive();
    // Then the process has compiled its code, and freed what it needed for that.
    await desks.work(5_000);
    await sleep(1_000);

    const before = { cpu: peer.cpuSeconds(), commands: await commands(), upstream: authService.count() };
    const startedAtMs = performance.now();
    const times = await desks.work(measuredMs);
    const seconds = (performance.now() - startedAtMs) / 1_000;
    rows.push({
      name: `${size.toLocaleString('en')} people`,
      'calls/s': times.length / seconds,
      '% of a core': ((peer.cpuSeconds() - before.cpu) / seconds) * 100,
      'MB resident': residentMb(peer),
      'Redis commands/s': ((await commands()) - before.commands) / seconds,
      'Auth Service calls/s': (authService.count() - before.upstream) / seconds,
      'median, ms': percentile(times, 0.5),
      'p99, ms': percentile(times, 0.99),
    });
    desks.leave();
  }
  section.rows(rows);
  client.disconnect();
};
