import { staff } from '../../../server/dev/auth-service/people/people-staff.ts';
import { crowd } from '../../support/app/crowd.ts';
import type { Generator } from '../load/start-generator.ts';
import type { Report } from '../report.ts';
import { type Candidate, type Figures, generatorBound, runRounds } from '../run-rounds.ts';
import { userId, batchPath, requestText, type SetUp, trpcPath } from '../set-up.ts';
import { startLoadedPeer } from '../start-loaded-peer.ts';
import type { Peer } from '../start-peer.ts';
import { atLeast } from '../statistics.ts';
import { measureHalfLoad } from './half-load.ts';

export type QueriesOptions = {
  setUp: SetUp;
  generator: Generator;
  report: Report;
  rounds: number;
  roundMs: number;
  /** Folder of another built checkout, whose BFF is compared with this one. */
  before?: string | undefined;
};

const print = (
  report: ReturnType<Report['section']>,
  figures: ReadonlyMap<string, Figures>,
  unit = 'calls a second',
): void => {
  report.rows(
    [...figures].map(([name, { perSecond, cpuMicroseconds, p99Ms }]) => ({
      name,
      [unit]: perSecond,
      'µs of CPU each': cpuMicroseconds,
      'p99, ms': p99Ms,
    })),
  );
  const limited = generatorBound(figures);
  if (limited.length > 0) report.note(`The generator was the bottleneck for: ${limited.join(', ')}.`);
};

/** Compares one authenticated query, batches and rejected requests with the peers. Then measures latency at half of the maximum load. */
export const measureQueries = async (options: QueriesOptions): Promise<void> => {
  const { setUp, generator, report, rounds, roundMs, before } = options;
  const { cookie, env } = setUp;
  const rest = [requestText(`/users/${userId}`, { cookie })];
  const query = [requestText(trpcPath('users.byId', { id: userId }), { cookie })];
  const peers: Peer[] = [];
  const add = async (script: string, requests: string[], more: Record<string, string> = {}) => {
    const peer = await startLoadedPeer({ script, env: { ...env, ...more }, generator, requests });
    peers.push(peer);
    return peer;
  };
  const [nodeHttp, bare, withPlugins, express, ours, official] = [
    await add('node-http.mjs', rest),
    await add('fastify-rest.mjs', rest),
    await add('fastify-rest.mjs', rest, { BENCH_PLUGINS: '1' }),
    await add('express-jsonwebtoken.mjs', rest),
    await add('bff.mjs', query),
    await add('bff.mjs', query, { BENCH_OFFICIAL: '1' }),
  ];
  const beforePeer = before === undefined ? null : await add('bff.mjs', query, { BENCH_CHECKOUT: before });
  const batchOf = (size: number) => [
    requestText(batchPath([...staff.map(({ id }) => id), ...crowd(50)].slice(0, size)), { cookie }),
  ];
  const run = (candidates: Candidate[]) => runRounds(generator, candidates, { rounds, roundMs });
  const perSecond = (figures: ReadonlyMap<string, Figures>, name: string) => figures.get(name)?.perSecond ?? Number.NaN;
  const ratio = (figures: ReadonlyMap<string, Figures>, one: string, other: string) =>
    perSecond(figures, one) / perSecond(figures, other);

  const one = report.section('One authenticated query of one cached user');
  const singles = await run([
    { name: 'node:http, HMAC', peer: nodeHttp, requests: rest },
    { name: 'Fastify, bare', peer: bare, requests: rest },
    { name: 'Fastify with plugins', peer: withPlugins, requests: rest },
    { name: 'Express, jsonwebtoken', peer: express, requests: rest },
    { name: 'BFF', peer: ours, requests: query },
    { name: 'BFF, official adapter', peer: official, requests: query },
    ...(beforePeer === null ? [] : [{ name: 'BFF, before', peer: beforePeer, requests: query }]),
  ]);
  print(one, singles);
  one.verdict(atLeast('of Fastify with plugins', ratio(singles, 'BFF', 'Fastify with plugins'), 1.8));
  one.verdict(atLeast('of bare Fastify', ratio(singles, 'BFF', 'Fastify, bare'), 0.85));
  one.verdict(atLeast('of the official adapter', ratio(singles, 'BFF', 'BFF, official adapter'), 3));
  one.verdict(atLeast('of Express with jsonwebtoken', ratio(singles, 'BFF', 'Express, jsonwebtoken'), 8));
  if (beforePeer !== null) one.verdict(atLeast('of the BFF before', ratio(singles, 'BFF', 'BFF, before'), 0.95));

  for (const [size, target] of [
    [10, 5],
    [50, 12],
  ] as const) {
    const section = report.section(`Batches of ${size} calls, compared with single requests`);
    const batches = await run([
      { name: 'Fastify, bare', peer: bare, requests: rest },
      { name: 'BFF', peer: ours, requests: batchOf(size), calls: size },
      { name: 'BFF, official adapter', peer: official, requests: batchOf(size), calls: size },
    ]);
    print(section, batches);
    const share = ratio(batches, 'BFF', 'Fastify, bare');
    section.verdict(atLeast('calls, relative to the requests of bare Fastify', share, target));
  }

  const refused = report.section('Requests rejected with 401');
  // Same length as a valid token, with a wrong end of the signature.
  const forged = cookie.replace(/access_token=[^;]*/, (token) => `${token.slice(0, -8)}AAAAAAAA`);
  const refusals = await run([
    {
      name: 'Fastify, bare: a forged token',
      peer: bare,
      requests: [requestText('/users/1', { cookie: forged })],
      status: 401,
    },
    {
      name: 'Express: a forged token',
      peer: express,
      requests: [requestText('/users/1', { cookie: forged })],
      status: 401,
    },
    {
      name: 'BFF: a forged token',
      peer: ours,
      requests: [requestText(trpcPath('users.byId', { id: 1 }), { cookie: forged })],
      status: 401,
    },
    { name: 'Fastify, bare: no token', peer: bare, requests: [requestText('/users/1')], status: 401 },
    { name: 'BFF: no token', peer: ours, requests: [requestText(trpcPath('users.byId', { id: 1 }))], status: 401 },
  ]);
  print(refused, refusals, 'rejections a second');

  await measureHalfLoad({ report, generator, rounds }, [
    // The baseline: this machine and the generator with a server that does almost nothing.
    {
      name: 'node:http, HMAC',
      peer: nodeHttp,
      requests: rest,
      perSecond: perSecond(singles, 'node:http, HMAC') / 2,
    },
    { name: 'BFF', peer: ours, requests: query, perSecond: perSecond(singles, 'BFF') / 2 },
    {
      name: 'Fastify with plugins',
      peer: withPlugins,
      requests: rest,
      perSecond: perSecond(singles, 'Fastify with plugins') / 2,
    },
  ]);
  for (const peer of peers) peer[Symbol.dispose]();
};
