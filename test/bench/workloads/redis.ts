import { hasRedis, startRedis } from '../../support/redis/redis.ts';
import { startDelayProxy } from '../load/delay-proxy.ts';
import type { Generator } from '../load/start-generator.ts';
import type { Report } from '../report.ts';
import { type Candidate, type Figures, runRounds } from '../run-rounds.ts';
import { userId, requestText, type SetUp, trpcPath } from '../set-up.ts';
import { startPeer } from '../start-peer.ts';
import { atLeast, atMost } from '../statistics.ts';

/** The round trip to a Redis in another region. */
const distanceMs = 40;

export type RedisOptions = { setUp: SetUp; generator: Generator; report: Report; rounds: number; roundMs: number };

/** Measures the cost of Redis for a warm authenticated call, compared with a BFF in memory mode. */
export const measureRedis = async ({ setUp, generator, report, rounds, roundMs }: RedisOptions): Promise<void> => {
  if (!hasRedis()) return report.section('A warm call with Redis').note('Skipped: redis-server is not installed.');
  const { cookie, env } = setUp;
  await using redis = await startRedis();
  await using proxy = await startDelayProxy({ port: redis.port, roundTripMs: distanceMs });
  const start = (more: Record<string, string>) =>
    startPeer({ script: 'bff.mjs', env: { ...env, ...more }, hasOwnCore: true });
  using memory = await start({});
  using near = await start({ REDIS_URL: redis.url });
  using distant = await start({ REDIS_URL: proxy.url });

  const requests = [requestText(trpcPath('users.byId', { id: userId }), { cookie })];
  const inMemory: Candidate = { name: 'in memory', peer: memory, requests };
  const onLoopback: Candidate = { name: 'Redis on loopback', peer: near, requests };
  const atDistance: Candidate = { name: `Redis ${distanceMs} ms away`, peer: distant, requests };
  const of = (figures: ReadonlyMap<string, Figures>, { name }: Candidate, figure: keyof Figures): number =>
    figures.get(name)?.[figure] ?? Number.NaN;

  const busy = report.section('A warm call with Redis, 32 connections');
  const many = await runRounds(generator, [inMemory, onLoopback], { rounds, roundMs });
  busy.rows(
    [...many].map(([name, { perSecond, cpuMicroseconds, p99Ms }]) => ({
      name,
      'calls a second': perSecond,
      'µs of CPU each': cpuMicroseconds,
      'p99, ms': p99Ms,
    })),
  );
  const throughput = of(many, onLoopback, 'perSecond') / of(many, inMemory, 'perSecond');
  busy.verdict(atLeast('calls a second, relative to memory mode', throughput, 0.9));

  const alone = report.section('A warm call with Redis, one connection');
  const candidates = [inMemory, onLoopback, atDistance];
  const one = await runRounds(generator, candidates, { rounds, roundMs: roundMs / 2, connections: 1 });
  const medianInMemory = of(one, inMemory, 'medianMs');
  alone.rows(
    [...one].map(([name, { medianMs, p99Ms }]) => ({
      name,
      'median, ms': medianMs,
      'of memory mode': medianMs / medianInMemory,
      'p99, ms': p99Ms,
    })),
  );
  alone.verdict(
    atMost('median on loopback, relative to memory mode', of(one, onLoopback, 'medianMs') / medianInMemory, 2.5),
  );
  alone.verdict(
    atMost('median at a distance, relative to one round trip', of(one, atDistance, 'medianMs') / distanceMs, 1.2),
  );
};
