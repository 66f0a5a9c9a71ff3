import type { Generator } from '../load/start-generator.ts';
import type { Report } from '../report.ts';
import { type Candidate, type Figures, runRounds } from '../run-rounds.ts';
import { requestText, type SetUp, trpcPath, userId } from '../set-up.ts';
import { startLoadedPeer } from '../start-loaded-peer.ts';
import { atLeast, atMost } from '../statistics.ts';

export type VerifyOptions = { setUp: SetUp; generator: Generator; report: Report; rounds: number; roundMs: number };

const toRows = (figures: ReadonlyMap<string, Figures>) =>
  [...figures].map(([name, { perSecond, cpuMicroseconds, p99Ms }]) => ({
    name,
    'requests a second': perSecond,
    'µs of CPU each': cpuMicroseconds,
    'p99, ms': p99Ms,
  }));

/**
 * Compares `/bff/verify` with one authenticated query and with a bare Fastify that does the job of oauth2-proxy, and
 * `/bff/api` with a bare Fastify. The caches of the BFF are warm.
 */
export const measureVerify = async ({ setUp, generator, report, rounds, roundMs }: VerifyOptions): Promise<void> => {
  const { cookie, env } = setUp;
  const get = (path: string) => [requestText(path, { cookie })];
  const queryRequests = get(trpcPath('users.byId', { id: userId }));
  const start = (script: string, requests: string[]) => startLoadedPeer({ script, env, generator, requests });
  using bff = await start('bff.mjs', queryRequests);
  using forwardAuth = await start('fastify-forward-auth.mjs', get('/verify'));
  using bare = await start('fastify-rest.mjs', get(`/users/${userId}`));
  const query: Candidate = { name: 'BFF, query', peer: bff, requests: queryRequests };
  const run = (candidates: Candidate[]) => runRounds(generator, candidates, { rounds, roundMs });
  const ratio = (figures: ReadonlyMap<string, Figures>, figure: keyof Figures, one: string, other: string) =>
    (figures.get(one)?.[figure] ?? Number.NaN) / (figures.get(other)?.[figure] ?? Number.NaN);

  const forward = report.section('Forward authentication');
  const verified = await run([
    { name: "Fastify, bare: oauth2-proxy's job", peer: forwardAuth, requests: get('/verify') },
    query,
    { name: 'BFF, verify', peer: bff, requests: get('/bff/verify') },
    { name: 'BFF, verify, a system required', peer: bff, requests: get('/bff/verify?system=TTS') },
    { name: 'BFF, verify, with an assertion', peer: bff, requests: get('/bff/verify?system=TTS&audience=tickets') },
  ]);
  forward.rows(toRows(verified));
  forward.verdict(
    atLeast(
      'requests a second, relative to bare Fastify',
      ratio(verified, 'perSecond', 'BFF, verify', "Fastify, bare: oauth2-proxy's job"),
      0.85,
    ),
  );
  forward.verdict(
    atMost(
      'CPU of verify with a system, relative to a query',
      ratio(verified, 'cpuMicroseconds', 'BFF, verify, a system required', query.name),
      1.3,
    ),
  );
  const assertion = ratio(verified, 'cpuMicroseconds', 'BFF, verify, with an assertion', query.name);
  forward.note(`CPU with an assertion, relative to a query: ${assertion.toFixed(2)}`);

  const rest = report.section('One cached user by REST');
  const users = await run([
    { name: 'Fastify, bare', peer: bare, requests: get(`/users/${userId}`) },
    query,
    { name: 'BFF, REST', peer: bff, requests: get(`/bff/api/users/${userId}`) },
  ]);
  rest.rows(toRows(users));
  rest.verdict(
    atLeast(
      'requests a second, relative to bare Fastify',
      ratio(users, 'perSecond', 'BFF, REST', 'Fastify, bare'),
      0.85,
    ),
  );
};
