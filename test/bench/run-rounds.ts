import type { Load, LoadResult } from './load/load.ts';
import type { Generator } from './load/start-generator.ts';
import type { Peer } from './start-peer.ts';
import { median } from './statistics.ts';

export type Candidate = {
  name: string;
  peer: Peer;
  requests: string[];
  /** Default 200. */
  status?: number;
  /** Procedure calls in a request. Default 1. */
  calls?: number;
};

export type Figures = {
  /** Calls a second: the median of the rounds. */
  perSecond: number;
  /** Microseconds of CPU for a call, of all threads. */
  cpuMicroseconds: number;
  medianMs: number;
  p99Ms: number;
  /** Shares of a core that the generator and the server used. */
  generatorCpu: number;
  serverCpu: number;
};

export type RoundsOptions = {
  rounds: number;
  roundMs: number;
  /** Default 32. */
  connections?: number;
};

/** Runs all candidates in turn, round by round, so that what else the machine does meets them all. Throws where an answer is wrong. */
export const runRounds = async (
  generator: Generator,
  candidates: readonly Candidate[],
  { rounds, roundMs, connections = 32 }: RoundsOptions,
): Promise<Map<string, Figures>> => {
  const measured = new Map<string, Array<LoadResult & { serverSeconds: number }>>();
  for (let round = -1; round < rounds; round += 1) {
    for (const { name, peer, requests, status = 200 } of candidates) {
      const load: Load = { port: peer.port, requests, status, connections, durationMs: round < 0 ? 1_500 : roundMs };
      const before = peer.cpuSeconds();
      const result = await generator.run(load);
      if (result.failed > 0)
        throw new Error(`${name}: ${result.failed} of ${result.answers} answers were not ${status}.`);
      // The first round warms up.
      if (round < 0) continue;
      measured.set(name, [...(measured.get(name) ?? []), { ...result, serverSeconds: peer.cpuSeconds() - before }]);
    }
  }
  return new Map(
    candidates.map(({ name, calls = 1 }) => {
      const results = measured.get(name) ?? [];
      const of = (value: (result: (typeof results)[number]) => number) => median(results.map(value));
      return [
        name,
        {
          perSecond: of(({ answers, seconds }) => (answers * calls) / seconds),
          cpuMicroseconds: of(({ answers, serverSeconds }) => (serverSeconds / answers / calls) * 1e6),
          medianMs: of(({ medianMs }) => medianMs),
          p99Ms: of(({ p99Ms }) => p99Ms),
          generatorCpu: of(({ cpu }) => cpu),
          serverCpu: of(({ serverSeconds, seconds }) => serverSeconds / seconds),
        },
      ];
    }),
  );
};

/** Who of them waited for the generator, rather than it for them. */
export const generatorBound = (figures: ReadonlyMap<string, Figures>): string[] =>
  [...figures].filter(([, { generatorCpu, serverCpu }]) => generatorCpu > 0.9 && serverCpu < 0.9).map(([name]) => name);
