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

type Target = Pick<Candidate, 'peer' | 'requests' | 'status'>;

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

const runOnce = async (
  generator: Generator,
  { peer, requests, status = 200 }: Target,
  load: Pick<Load, 'connections' | 'durationMs'>,
): Promise<LoadResult> => {
  const result = await generator.run({ port: peer.port, requests, status, ...load });
  if (result.failed > 0) {
    const requestLine = requests[0]?.split('\r\n', 1)[0];
    throw new Error(`${requestLine}: ${result.failed} of ${result.answers} responses did not have status ${status}.`);
  }
  return result;
};

/** Puts a server under load, until V8 has compiled its code. Throws if a response has another status. */
export const warmUp = (generator: Generator, target: Target): Promise<LoadResult> =>
  runOnce(generator, target, { connections: warmUpConnections, durationMs: warmUpMs });

/** Warms up each candidate, and runs all of them in turn, round by round, so that background load affects all of them. Throws if a response has another status. */
export const runRounds = async (
  generator: Generator,
  candidates: readonly Candidate[],
  { rounds, roundMs, connections = 32 }: RoundsOptions,
): Promise<Map<string, Figures>> => {
  const measured = new Map<string, Array<LoadResult & { serverSeconds: number }>>();
  for (const candidate of candidates) await warmUp(generator, candidate);
  for (let round = 0; round < rounds; round += 1) {
    for (const candidate of candidates) {
      const { name, peer } = candidate;
      const before = peer.cpuSeconds();
      const result = await runOnce(generator, candidate, { connections, durationMs: roundMs });
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
