import { Redis } from 'ioredis';
import { hasRedis, startRedis } from '../../support/redis/redis.ts';
import { startDelayProxy } from '../load/delay-proxy.ts';
import type { Generator } from '../load/start-generator.ts';
import type { Report } from '../report.ts';
import { type Candidate, type Figures, runRounds } from '../run-rounds.ts';
import { requestText, type SetUp, trpcPath, userId } from '../set-up.ts';
import { startLoadedPeer } from '../start-loaded-peer.ts';
import { atLeast, atMost, median } from '../statistics.ts';

/** Added round trips to Redis: in the same data centre, and in another region. */
const nearMs = 1;
const farMs = 40;

/** The median time of a command that does nothing, with one in flight. */
const roundTripTo = async (url: string): Promise<number> => {
  const client = new Redis(url);
  const times: number[] = [];
  for (let index = 0; index < 50; index += 1) {
    const startedAtMs = performance.now();
    await client.ping();
    times.push(performance.now() - startedAtMs);
  }
  client.disconnect();
  return median(times);
};

export type RedisOptions = { setUp: SetUp; generator: Generator; report: Report; rounds: number; roundMs: number };

/** Measures the cost of Redis for a warm query and for `/bff/verify`, compared with a BFF in memory mode. */
export const measureRedis = async ({ setUp, generator, report, rounds, roundMs }: RedisOptions): Promise<void> => {
  if (!hasRedis()) return report.section('Warm calls with Redis').note('Skipped: redis-server is not installed.');
  const { cookie, env } = setUp;
  await using redis = await startRedis();
  await using near = await startDelayProxy({ port: redis.port, roundTripMs: nearMs });
  await using far = await startDelayProxy({ port: redis.port, roundTripMs: farMs });
  const query = [requestText(trpcPath('users.byId', { id: userId }), { cookie })];
  const verify = [requestText('/bff/verify', { cookie })];
  const start = (more: Record<string, string>) =>
    startLoadedPeer({ script: 'bff.mjs', env: { ...env, ...more }, generator, requests: query });
  using inMemory = await start({});
  using onLoopback = await start({ REDIS_URL: redis.url });
  using nearby = await start({ REDIS_URL: near.url });
  using distant = await start({ REDIS_URL: far.url });
  const places = { 'in memory': inMemory, 'Redis on loopback': onLoopback, [`Redis ${nearMs} ms away`]: nearby };
  const candidatesOf = (call: string, requests: string[]): Candidate[] =>
    Object.entries(places).map(([place, peer]) => ({ name: `${call}, ${place}`, peer, requests }));
  const candidates = [...candidatesOf('query', query), ...candidatesOf('verify', verify)];
  const distantQuery: Candidate = { name: `query, Redis ${farMs} ms away`, peer: distant, requests: query };
  const of = (figures: ReadonlyMap<string, Figures>, name: string, figure: keyof Figures): number =>
    figures.get(name)?.[figure] ?? Number.NaN;
  /** A figure relative to that of the same call in memory mode. */
  const relative = (figures: ReadonlyMap<string, Figures>, name: string, figure: keyof Figures): number =>
    of(figures, name, figure) / of(figures, `${name.split(',', 1)[0]}, in memory`, figure);

  const busy = report.section('Warm calls with Redis, 32 connections');
  const many = await runRounds(generator, candidates, { rounds, roundMs });
  busy.rows(
    [...many].map(([name, { perSecond, cpuMicroseconds, p99Ms }]) => ({
      name,
      'calls a second': perSecond,
      'of memory mode': relative(many, name, 'perSecond'),
      'µs of CPU each': cpuMicroseconds,
      'p99, ms': p99Ms,
    })),
  );
  busy.verdict(
    atLeast(
      'queries a second on loopback, relative to memory mode',
      relative(many, 'query, Redis on loopback', 'perSecond'),
      0.9,
    ),
  );

  const alone = report.section('Warm calls with Redis, one connection');
  const roundTripMs = await roundTripTo(near.url);
  const one = await runRounds(generator, [...candidates, distantQuery], {
    rounds,
    roundMs: roundMs / 2,
    connections: 1,
  });
  alone.rows(
    [...one].map(([name, { medianMs, p99Ms }]) => ({
      name,
      'median, ms': medianMs,
      'of memory mode': relative(one, name, 'medianMs'),
      'p99, ms': p99Ms,
    })),
  );
  alone.note(`A PING to the Redis ${nearMs} ms away took ${roundTripMs.toFixed(2)} ms (median).`);
  alone.verdict(
    atMost(
      'median of a query on loopback, relative to memory mode',
      relative(one, 'query, Redis on loopback', 'medianMs'),
      2.5,
    ),
  );
  alone.verdict(
    atMost(
      `median of a query with Redis ${farMs} ms away, relative to one round trip`,
      of(one, distantQuery.name, 'medianMs') / farMs,
      1.2,
    ),
  );
};
