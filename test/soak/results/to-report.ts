import type { Failure, Phase } from './call-statistics.ts';
import { type Outcome, toMegabytes } from './find-violations.ts';

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;

const toMs = (value: number): string => (Number.isNaN(value) ? '–' : `${value.toFixed(0)} ms`);

const toTable = (head: readonly string[], rows: readonly string[][]): string => {
  const lines = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

export type ReportOptions = {
  phases: readonly Phase[];
  failures: readonly Failure[];
  memory: ReadonlyArray<Outcome['memory'][number] & { endRssBytes: number }>;
  /** Seconds of load by the monotonicNow on the wall, and those in which the load stood still because the machine was busy. */
  tookSeconds: number;
  heldSeconds: number;
  /** Seconds of CPU, by process, since its start. */
  cpuSeconds: Readonly<Record<string, number>>;
  /** Refreshes by their outcome, of all replicas. */
  refreshes: Readonly<Record<string, number>>;
  /** Refusals by their reason, of all attempts. */
  refusals: Readonly<Record<string, number>>;
};

/** What a run has measured, as tables for a terminal. */
export const toReport = (options: ReportOptions): string => {
  const { phases, failures, memory, refreshes, refusals, tookSeconds, heldSeconds, cpuSeconds } = options;
  const calls = phases.reduce((sum, phase) => sum + phase.calls, 0);
  const toList = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  return [
    toTable(
      ['in the time of', 'calls', 'failed', 'median', '99 %', 'longest'],
      phases.map(({ name, calls: count, failed, latenciesMs }) => {
        const sorted = latenciesMs.toSorted((one, other) => one - other);
        const [median, most, longest] = [0.5, 0.99, 1].map((share) => toMs(percentile(sorted, share)));
        return [name, String(count), String(failed), median ?? '', most ?? '', longest ?? ''];
      }),
    ),
    '',
    ...(failures.length === 0
      ? []
      : [
          toTable(
            ['failed in the time of', 'procedure', 'code', 'reason', 'calls'],
            failures.map(({ phase, procedure, code, reason, count }) => [
              phase,
              procedure,
              code,
              reason,
              String(count),
            ]),
          ),
          '',
        ]),
    toTable(
      ['memory after garbage collection', 'middle', 'end', 'growth', 'resident'],
      memory.map(({ replica, middleBytes, endBytes, endRssBytes }) =>
        [replica].concat([middleBytes, endBytes, endBytes - middleBytes, endRssBytes].map(toMegabytes)),
      ),
    ),
    '',
    `Refreshes: ${toList(refreshes)}`,
    `Refused attempts: ${toList(refusals)}`,
    `CPU: ${Object.entries(cpuSeconds)
      .map(([name, seconds]) => `${name} ${seconds.toFixed(0)} s`)
      .join(', ')}`,
    `${calls} calls in ${tookSeconds.toFixed(0)} s: ${(calls / tookSeconds).toFixed(0)} a second. The load stood still for ${heldSeconds.toFixed(0)} s because the machine was busy.`,
  ].join('\n');
};
