import type { Generator } from '../load/start-generator.ts';
import type { Report } from '../report.ts';
import type { Candidate } from '../run-rounds.ts';
import { atMost, median } from '../statistics.ts';

const connections = 64;
const roundMs = 3_000;

export type HalfLoadOptions = { report: Report; generator: Generator; rounds: number };

/** Measures latency under an open-loop load at a fixed rate. */
export const measureHalfLoad = async (
  { report, generator, rounds }: HalfLoadOptions,
  candidates: ReadonlyArray<Candidate & { perSecond: number }>,
): Promise<void> => {
  const section = report.section('Half of the possible load, open loop');
  const measured = new Map<string, Array<{ medianMs: number; p99Ms: number }>>();
  // Twice as many rounds as other workloads: background load affects the slowest responses first.
  for (let round = 0; round < 2 * rounds; round += 1) {
    for (const { name, peer, requests, perSecond } of candidates) {
      const load = { port: peer.port, requests, status: 200, connections, durationMs: roundMs, perSecond };
      measured.set(name, [...(measured.get(name) ?? []), await generator.run(load)]);
    }
  }
  const of = (name: string, value: (result: { medianMs: number; p99Ms: number }) => number) =>
    median((measured.get(name) ?? []).map(value));
  const tail = (name: string) => of(name, ({ medianMs, p99Ms }) => p99Ms / medianMs);
  section.rows(
    candidates.map(({ name, perSecond }) => ({
      name,
      'requests a second': perSecond,
      'median, ms': of(name, ({ medianMs }) => medianMs),
      'p99, ms': of(name, ({ p99Ms }) => p99Ms),
      'p99 / median': tail(name),
    })),
  );
  section.verdict(atMost('p99 / median', tail('BFF'), 3));
};
