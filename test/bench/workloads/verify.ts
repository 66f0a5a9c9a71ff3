import type { Generator } from '../load/start-generator.ts';
import type { Report } from '../report.ts';
import { runRounds } from '../run-rounds.ts';
import { requestText, type SetUp, trpcPath, userId } from '../set-up.ts';
import { startPeer } from '../start-peer.ts';
import { atMost } from '../statistics.ts';

export type VerifyOptions = { setUp: SetUp; generator: Generator; report: Report; rounds: number; roundMs: number };

/** Compares `/bff/verify` with one authenticated query, in one BFF whose caches are warm. */
export const measureVerify = async ({ setUp, generator, report, rounds, roundMs }: VerifyOptions): Promise<void> => {
  const { cookie, env } = setUp;
  using peer = await startPeer({ script: 'bff.mjs', env, hasOwnCore: true });
  const section = report.section('Forward authentication, compared with one authenticated query');
  const verify = (query: string) => [requestText(`/bff/verify${query}`, { cookie })];
  const figures = await runRounds(
    generator,
    [
      { name: 'query', peer, requests: [requestText(trpcPath('users.byId', { id: userId }), { cookie })] },
      { name: 'verify', peer, requests: verify('') },
      { name: 'verify, a system required', peer, requests: verify('?system=TTS') },
      { name: 'verify, with an assertion', peer, requests: verify('?system=TTS&audience=tickets') },
    ],
    { rounds, roundMs },
  );
  section.rows(
    [...figures].map(([name, { perSecond, cpuMicroseconds, p99Ms }]) => ({
      name,
      'requests a second': perSecond,
      'µs of CPU each': cpuMicroseconds,
      'p99, ms': p99Ms,
    })),
  );
  const cpuOf = (name: string) => figures.get(name)?.cpuMicroseconds ?? Number.NaN;
  section.verdict(
    atMost('CPU of verify, relative to a query', cpuOf('verify, a system required') / cpuOf('query'), 1.3),
  );
  section.note(
    `CPU with an assertion, relative to a query: ${(cpuOf('verify, with an assertion') / cpuOf('query')).toFixed(2)}`,
  );
};
