import { describe, expect, it } from 'vitest';
import { createClock } from '../support/app/start-app.ts';
import { createCallStatistics, graceMs } from './results/call-statistics.ts';
import { readOptions } from './read-options.ts';
import { createPacer } from './load/pacer.ts';
import { planRun } from './scenario/plan-run.ts';

describe('the plan of a soak', () => {
  it.each([60, 120, 299, 300, 600, 3_600])(
    'a plan of %d s has each fault separately, with time to recover',
    (seconds) => {
      const { faults, memoryAtMs, endsAtMs } = planRun(seconds);
      expect(new Set(faults.map(({ name }) => name)).size).toBe(3);
      for (const [index, { toMs }] of faults.entries()) {
        expect(faults[index + 1]?.fromMs ?? endsAtMs).toBeGreaterThan(toMs + graceMs / 2);
      }
      expect(memoryAtMs).toBeLessThan(endsAtMs - 10_000);
    },
  );

  it.each([60, 600])(
    'in a plan of %d s, half of the token lifetime is longer than the outage plus retries',
    (seconds) => {
      const { faults, accessLifetimeSeconds } = planRun(seconds);
      const outagesMs = faults.map(({ fromMs, toMs }) => toMs - fromMs);
      expect((accessLifetimeSeconds / 2) * 1_000).toBeGreaterThan(Math.max(...outagesMs) + 20_000);
    },
  );

  it('a plan of ten minutes has outages of 20 s, 10 s and one replica', () => {
    const { faults } = planRun(600);
    const lastsSeconds = (name: string) =>
      faults.filter((fault) => fault.name === name).map(({ fromMs, toMs }) => (toMs - fromMs) / 1_000);
    expect(lastsSeconds('Auth Service down')).toEqual([20, 20]);
    expect(lastsSeconds('Redis stopped')).toEqual([10, 10]);
    expect(lastsSeconds('replica killed')).toEqual([10]);
  });
});

describe('the call statistics of a soak', () => {
  const note = { procedure: 'users.byId', error: { code: 'SERVICE_UNAVAILABLE', reason: 'overloaded' } };

  it('a failure counts for a fault during it and its grace period, and as calm otherwise', () => {
    const { now: monotonicNow, advance } = createClock(0);
    const statistics = createCallStatistics({ monotonicNow });
    advance(1_000);
    statistics.record({ ...note, dueAtMs: 0 });
    advance(1);
    const end = statistics.begin('Redis stopped');
    advance(10);
    // This call started before the fault and ended during it.
    statistics.record({ ...note, dueAtMs: 500 });
    end();
    advance(graceMs);
    statistics.record({ ...note, dueAtMs: monotonicNow() });
    advance(1);
    statistics.record({ ...note, dueAtMs: monotonicNow() });
    const counts = statistics.failures().map(({ phase, count }) => [phase, count]);
    expect(counts).toEqual([
      ['calm', 2],
      ['Redis stopped', 2],
    ]);
  });

  it('a fault takes precedence over CPU starvation', () => {
    const { now: monotonicNow } = createClock(0);
    const statistics = createCallStatistics({ monotonicNow });
    statistics.begin('CPU starved');
    statistics.begin('Auth Service down');
    statistics.record({ ...note, dueAtMs: 0 });
    expect(statistics.failures()).toMatchObject([{ phase: 'Auth Service down' }]);
  });
});

describe('the pacer of a soak', () => {
  it('the load time follows the clock, pauses during CPU starvation and does not catch up', async () => {
    const { now: monotonicNow, advance } = createClock(0);
    let isStarved = false;
    const pacer = createPacer({ monotonicNow, isStarved: () => isStarved, maxPausedMs: 2_000 });
    const stepAfter = (ms: number) => {
      advance(ms);
      pacer.step();
      return [pacer.loadMs(), pacer.pausedMs()];
    };
    expect(stepAfter(10)).toEqual([10, 0]);
    isStarved = true;
    expect(stepAfter(500)).toEqual([10, 500]);
    isStarved = false;
    expect(stepAfter(5)).toEqual([15, 500]);
    // The process itself was delayed.
    expect(stepAfter(1_000)).toEqual([65, 1_450]);
    await pacer.untilLoadMs(65);
    isStarved = true;
    stepAfter(1_000);
    await expect(pacer.untilLoadMs(66)).rejects.toThrow('The machine is too busy');
  });
});

describe('the options of a soak', () => {
  it('the options have defaults', () => {
    expect(readOptions([])).toEqual({ seconds: 600, rate: 300, clients: 100, replicas: 3, dialect: 'deployed' });
  });

  it.each([
    [['--seconds', '59'], '--seconds: expected a whole number from 60, got 59'],
    [['--rate', 'many'], '--rate: expected a whole number from 1, got many'],
    [['--replicas', '2'], '--replicas: expected a whole number from 3, got 2'],
    [['--dialect', 'french'], '--dialect: expected deployed or guide, got french'],
  ])('the options %j are rejected', (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
  });
});
