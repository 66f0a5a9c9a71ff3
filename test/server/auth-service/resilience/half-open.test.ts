import { describe, expect, it } from 'vitest';
import type { CallSource } from '../../../../server/src/auth-service/resilience/call-source.ts';
import {
  type CallResult,
  createHalfOpen,
  endProbe,
  type ProbeVerdict,
  probeDelayMs,
} from '../../../../server/src/auth-service/resilience/half-open.ts';

const waitMs = 5_000;
/** `staff 1` is a verified person, `network 1` is not. */
const toSource = (name: string): CallSource => ({ isVerified: !name.startsWith('network'), name });

type Step = [source: string, result: CallResult, blamed: string | null];

/** Ends one probe per step, at time 0, and returns the verdicts and the state. */
const play = (steps: readonly Step[]) => {
  const halfOpen = createHalfOpen(waitMs);
  const verdicts = steps.map(([source, result, blamed]) => {
    const probe = { source: toSource(source), startedAtMs: 0 };
    halfOpen.probes.add(probe);
    return endProbe(halfOpen, { probe, result, blamed: blamed === null ? null : toSource(blamed), nowMs: 0 });
  });
  return { halfOpen, verdicts };
};

describe('endProbe', () => {
  it.each<[name: string, steps: Step[], verdicts: ProbeVerdict[]]>([
    ['closes after a success', [['staff 1', 'success', null]], ['close']],
    ['stays after a disconnect', [['staff 1', 'abandoned', null]], ['stay']],
    ['stays after a 429', [['staff 1', 'rate_limited', null]], ['stay']],
    ['reopens after a failure of the service itself', [['network 1', 'failure', null]], ['reopen']],
    ['stays after the failure of one person', [['staff 1', 'failure', 'staff 1']], ['stay']],
    [
      'reopens after the failures of two persons',
      [
        ['staff 1', 'failure', 'staff 1'],
        ['staff 2', 'failure', 'staff 2'],
      ],
      ['stay', 'reopen'],
    ],
    [
      'closes after three failures of the only network',
      [
        ['network 1', 'failure', 'network 1'],
        ['network 1', 'failure', 'network 1'],
        ['network 1', 'failure', 'network 1'],
      ],
      ['stay', 'stay', 'close'],
    ],
    [
      'stays after three failures of a network if a person failed as well',
      [
        ['staff 1', 'failure', 'staff 1'],
        ['network 1', 'failure', 'network 1'],
        ['network 1', 'failure', 'network 1'],
        ['network 1', 'failure', 'network 1'],
      ],
      ['stay', 'stay', 'stay', 'stay'],
    ],
  ])('%s', (_name, steps, verdicts) => {
    expect(play(steps).verdicts).toEqual(verdicts);
  });
});

describe('probeDelayMs', () => {
  it.each<[name: string, steps: Step[], source: string, delayMs: number | null]>([
    ['admits a source without failures', [], 'staff 1', null],
    ['refuses a person after a failure for twice the wait', [['staff 1', 'failure', 'staff 1']], 'staff 1', 10_000],
    ['admits another person after the failure of one', [['staff 1', 'failure', 'staff 1']], 'staff 2', null],
    ['refuses a source after a 429', [['network 1', 'rate_limited', null]], 'network 1', 10_000],
    ['admits a network after its first failure', [['network 1', 'failure', 'network 1']], 'network 1', null],
  ])('%s', (_name, steps, source, delayMs) => {
    expect(probeDelayMs(play(steps).halfOpen, toSource(source), 0)).toBe(delayMs);
  });
});
