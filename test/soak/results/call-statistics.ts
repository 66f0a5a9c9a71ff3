import { type FaultName, faultNames } from '../scenario/plan-run.ts';

/** `CPU starved`: the processes did not get the CPU that they need. */
export const phaseNames = ['calm', ...faultNames, 'CPU starved'] as const;
export type PhaseName = (typeof phaseNames)[number];

export type Phase = {
  name: PhaseName;
  calls: number;
  failed: number;
  /** Milliseconds from when each call was due until it was answered, its new attempts included. */
  latenciesMs: number[];
};

export type Failure = { phase: PhaseName; procedure: string; code: string; reason: string; count: number };

/** How a call failed. Code: tRPC's, or `none` if there was no answer. */
export type CallError = { code: string; reason: string };

/**
 * How long after a fault calls may still fail. The BFF looks every 5 s whether the Auth Service is back, and replaces a
 * connection to Redis on which nothing came for 5 s; the rest is for a machine that is busy.
 */
export const graceMs = 8_000;

/** How long after the machine was busy calls may still fail, in milliseconds. */
const starvedGraceMs = 2_000;

type Window = { name: FaultName | 'CPU starved'; fromMs: number; toMs: number };

/** Counts the calls of a run, by the trouble in whose time they were made. `monotonicNow`: milliseconds. */
export const createCallStatistics = ({ monotonicNow }: { monotonicNow: () => number }) => {
  const phases = new Map<PhaseName, Phase>(
    phaseNames.map((name) => [name, { name, calls: 0, failed: 0, latenciesMs: [] }]),
  );
  const failures = new Map<string, Failure>();
  const windows: Window[] = [];

  /** A fault comes before a machine that is busy in the same time. */
  const phaseOf = (fromMs: number, toMs: number): PhaseName => {
    const met = windows.filter((window) => fromMs <= window.toMs && toMs >= window.fromMs);
    return (met.find(({ name }) => name !== 'CPU starved') ?? met[0])?.name ?? 'calm';
  };

  return {
    /** Something begins that calls may fail by. Returns how to say that it is over; calls may fail for a while after. */
    begin(name: Window['name']): () => void {
      const window: Window = { name, fromMs: monotonicNow(), toMs: Number.POSITIVE_INFINITY };
      windows.push(window);
      return () => {
        window.toMs = monotonicNow() + (name === 'CPU starved' ? starvedGraceMs : graceMs);
      };
    },
    /** A call that was due at a time has its final answer now. Null: it succeeded. */
    record({ procedure, dueAtMs, error }: { procedure: string; dueAtMs: number; error: CallError | null }): void {
      const nowMs = monotonicNow();
      const name = phaseOf(dueAtMs, nowMs);
      const phase = phases.get(name);
      if (phase === undefined) return;
      phase.calls += 1;
      phase.latenciesMs.push(nowMs - dueAtMs);
      if (error === null) return;
      phase.failed += 1;
      const key = [name, procedure, error.code, error.reason].join(' ');
      const failure = failures.get(key) ?? { phase: name, procedure, ...error, count: 0 };
      failure.count += 1;
      failures.set(key, failure);
    },
    phases: (): Phase[] => [...phases.values()],
    failures: (): Failure[] => [...failures.values()],
  };
};

export type CallStatistics = ReturnType<typeof createCallStatistics>;
