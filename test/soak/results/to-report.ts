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
  /** Wall-clock seconds of load, and seconds for which the load was paused for CPU starvation. */
  tookSeconds: number;
  pausedSeconds: number;
  /** CPU seconds by process since its start. */
  cpuSeconds: Readonly<Record<string, number>>;
  /** Refreshes of all replicas by outcome. */
  refreshes: Readonly<Record<string, number>>;
  /** Error responses of all attempts by reason. */
  errorReasons: Readonly<Record<string, number>>;
};

/** Formats the results of a run as tables for a terminal. */
export const toReport = (options: ReportOptions): string => {
  const { phases, failures, memory, refreshes, errorReasons, tookSeconds, pausedSeconds, cpuSeconds } = options;
  const calls = phases.reduce((sum, phase) => sum + phase.calls, 0);
  const toList = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ') || 'none';
  return [
    toTable(
      ['phase', 'calls', 'failed', 'median', 'p99', 'max'],
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
            ['failed in phase', 'procedure', 'code', 'reason', 'calls'],
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
    `Error responses: ${toList(errorReasons)}`,
    `CPU: ${Object.entries(cpuSeconds)
      .map(([name, seconds]) => `${name} ${seconds.toFixed(0)} s`)
      .join(', ')}`,
    `${calls} calls in ${tookSeconds.toFixed(0)} s: ${(calls / tookSeconds).toFixed(0)} per second. The load was paused for ${pausedSeconds.toFixed(0)} s because of CPU starvation.`,
  ].join('\n');
};
