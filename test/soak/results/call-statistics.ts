import { type FaultName, faultNames } from '../scenario/plan-run.ts';

/** `calm`: no fault was active. `CPU starved`: the processes lacked CPU. */
export const phaseNames = ['calm', ...faultNames, 'CPU starved'] as const;
export type PhaseName = (typeof phaseNames)[number];

export type Phase = {
  name: PhaseName;
  calls: number;
  failed: number;
  /** Milliseconds from the due time of each call to its final response, including retries. */
  latenciesMs: number[];
};

export type Failure = { phase: PhaseName; procedure: string; code: string; reason: string; count: number };

/** The error of a failed call. `code`: the tRPC code, or `none` without a response. */
export type CallError = { code: string; reason: string };

/**
 * Milliseconds after a fault in which calls may still fail. The BFF probes an unavailable Auth Service every 5 s and replaces
 * a silent Redis connection after 5 s. The rest is a margin for a busy machine.
 */
export const graceMs = 8_000;

/** Milliseconds after CPU starvation in which calls may still fail. */
const starvedGraceMs = 2_000;

type Window = { name: FaultName | 'CPU starved'; fromMs: number; toMs: number };

/** Counts calls and failures by the phase (fault) in which they ran. `monotonicNow`: milliseconds. */
export const createCallStatistics = ({ monotonicNow }: { monotonicNow: () => number }) => {
  const phases = new Map<PhaseName, Phase>(
    phaseNames.map((name) => [name, { name, calls: 0, failed: 0, latenciesMs: [] }]),
  );
  const failures = new Map<string, Failure>();
  const windows: Window[] = [];

  /** A fault takes precedence over CPU starvation at the same time. */
  const phaseOf = (fromMs: number, toMs: number): PhaseName => {
    const overlapping = windows.filter((window) => fromMs <= window.toMs && toMs >= window.fromMs);
    return (overlapping.find(({ name }) => name !== 'CPU starved') ?? overlapping[0])?.name ?? 'calm';
  };

  return {
    /** Starts a phase in which calls may fail. The returned function ends it, after a grace period. */
    begin(name: Window['name']): () => void {
      const window: Window = { name, fromMs: monotonicNow(), toMs: Number.POSITIVE_INFINITY };
      windows.push(window);
      return () => {
        window.toMs = monotonicNow() + (name === 'CPU starved' ? starvedGraceMs : graceMs);
      };
    },
    /** Records the final result of a call at its completion. `error` null: success. */
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
