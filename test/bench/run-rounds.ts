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
  /** Procedure calls per request. Default 1. */
  calls?: number;
};

export type Figures = {
  /** Calls per second: the median of the rounds. */
  perSecond: number;
  /** Microseconds of CPU per call, of all threads. */
  cpuMicroseconds: number;
  medianMs: number;
  p99Ms: number;
  /** Share of a core used by the generator and by the server. */
  generatorCpu: number;
  serverCpu: number;
};

export type RoundsOptions = {
  rounds: number;
  roundMs: number;
  /** Default 32. */
  connections?: number;
};

/**
 * V8 compiles the code of a server while it answers the first 10,000 requests or so. After 1.5 s of load, a request to the BFF
 * still took two to four times as much CPU as after 10 s; after 5 s, the rest is noise.
 */
const warmUpMs = 5_000;
/** Also before rounds with one connection, which would warm up much more slowly. */
const warmUpConnections = 32;

/** Warms up each candidate, and runs all of them in turn, round by round, so that background load affects all of them. Throws if a response has another status. */
export const runRounds = async (
  generator: Generator,
  candidates: readonly Candidate[],
  { rounds, roundMs, connections = 32 }: RoundsOptions,
): Promise<Map<string, Figures>> => {
  const measured = new Map<string, Array<LoadResult & { serverSeconds: number }>>();
  for (let round = -1; round < rounds; round += 1) {
    for (const { name, peer, requests, status = 200 } of candidates) {
      const load: Load =
        round < 0
          ? { port: peer.port, requests, status, connections: warmUpConnections, durationMs: warmUpMs }
          : { port: peer.port, requests, status, connections, durationMs: roundMs };
      const before = peer.cpuSeconds();
      const result = await generator.run(load);
      if (result.failed > 0)
        throw new Error(`${name}: ${result.failed} of ${result.answers} responses did not have status ${status}.`);
      // The first round is a warm-up.
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

/** Names of the candidates whose throughput was limited by the generator, not by the server. */
export const generatorBound = (figures: ReadonlyMap<string, Figures>): string[] =>
  [...figures].filter(([, { generatorCpu, serverCpu }]) => generatorCpu > 0.9 && serverCpu < 0.9).map(([name]) => name);
