import type { Histogram } from 'prom-client';
import type { CallCode } from './metrics.ts';

const name = 'auth_bff_call_duration_seconds';
const help =
  'Duration of procedure calls in seconds, by procedure and result code. Each call of a batch counts. Procedure unknown: not one of ours; none: rejected before the procedure was known.';
/** Upper bounds in seconds. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

type Labels = { procedure: string; code: CallCode };
type Series = {
  labels: Labels;
  /** Calls in each bucket. The last one has no bound. */
  counts: number[];
  sumSeconds: number;
};

const bucketOf = (seconds: number): number => {
  let index = 0;
  for (const bound of bounds) {
    if (seconds <= bound) return index;
    index += 1;
  }
  return index;
};

/** The samples of one series. Buckets are cumulative. */
const toSamples = ({ labels, counts, sumSeconds }: Series) => {
  let count = 0;
  const buckets = counts.map((inBucket, index) => {
    count += inBucket;
    return { metricName: `${name}_bucket`, labels: { le: bounds[index] ?? '+Inf', ...labels }, value: count };
  });
  const [sum, total] = [`${name}_sum`, `${name}_count`];
  return [...buckets, { metricName: sum, labels, value: sumSeconds }, { metricName: total, labels, value: count }];
};

/**
 * The histogram of the durations of procedure calls. prom-client writes it, but its own histogram finds the series of each
 * call by a text that it makes of the labels, which is 7 % of the work of a batch (docs/benchmarks.md).
 */
export const createCallDurations = () => {
  const byProcedure = new Map<string, Map<CallCode, Series>>();

  const seriesOf = (labels: Labels): Series => {
    const byCode = byProcedure.get(labels.procedure) ?? new Map<CallCode, Series>();
    const series = { labels, counts: [...bounds, 0].map(() => 0), sumSeconds: 0 };
    byProcedure.set(labels.procedure, byCode.set(labels.code, series));
    return series;
  };

  return {
    observe(procedure: string, code: CallCode, seconds: number): void {
      const series = byProcedure.get(procedure)?.get(code) ?? seriesOf({ procedure, code });
      const bucket = bucketOf(seconds);
      series.counts[bucket] = (series.counts[bucket] ?? 0) + 1;
      series.sumSeconds += seconds;
    },
    /** For a registry, which needs only these members. */
    metric: {
      name,
      get: async () => ({
        name,
        help,
        type: 'histogram',
        values: [...byProcedure.values()].flatMap((byCode) => [...byCode.values()].flatMap(toSamples)),
      }),
    } as unknown as Histogram,
  };
};
