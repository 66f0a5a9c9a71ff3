import { Histogram, Registry } from 'prom-client';
import { expect, it } from 'vitest';
import { createCallDurations } from '../../../../server/src/platform/metrics/call-durations.ts';

const observations = [
  ['users.byId', 'OK', [0, 0.0004, 0.001, 0.0010001, 0.01, 3, 10, 10.5, 3_600]],
  ['users.byId', 'NOT_FOUND', [0.2]],
  ['session.me', 'OK', [0.05, 0.1, 0.3]],
] as const;

const samplesOf = (text: string): string[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('auth_bff'))
    .toSorted();

it('the durations of calls are exposed as by the histogram of prom-client', async () => {
  const [ours, theirs] = [new Registry(), new Registry()];
  const durations = createCallDurations();
  ours.registerMetric(durations.metric);
  const histogram = new Histogram({
    name: 'auth_bff_call_duration_seconds',
    help: 'Of prom-client.',
    labelNames: ['procedure', 'code'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [theirs],
  });
  for (const [procedure, code, allSeconds] of observations) {
    for (const seconds of allSeconds) {
      durations.observe(procedure, code, seconds);
      histogram.observe({ procedure, code }, seconds);
    }
  }
  const text = await ours.metrics();
  expect(samplesOf(text)).toHaveLength(3 * 16);
  expect(samplesOf(text)).toEqual(samplesOf(await theirs.metrics()));
  expect(text).toContain('\n# TYPE auth_bff_call_duration_seconds histogram\n');
});
