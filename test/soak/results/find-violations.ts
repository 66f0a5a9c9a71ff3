import type { Failure } from './call-statistics.ts';
import type { FaultName } from '../scenario/plan-run.ts';

/** What a run left behind, as far as it decides whether it passed. */
export type Outcome = {
  plannedCalls: number;
  answeredCalls: number;
  failures: Failure[];
  clients: number;
  /** One line for each client that was told that its session had ended, or that has lost its cookies or its person. */
  signedOut: string[];
  /** How many answers, of attempts that were made again, too, said that a limit was exceeded. */
  rateLimited: number;
  /** Clients whose session could be refreshed after the run, and then named the same person. */
  workingSessions: number;
  /** Refresh tokens that were exchanged during the run. */
  refreshes: number;
  /** Bytes after garbage collection. */
  memory: ReadonlyArray<{ replica: string; middleBytes: number; endBytes: number }>;
  /** Faults that left a trace: without one, the run has tested nothing. */
  observedFaults: FaultName[];
  plannedFaults: FaultName[];
};

/**
 * Bytes by which the memory of a replica may grow from the middle of a run to its end, after garbage collection. Caches are
 * full and code is compiled by the middle, but for what few calls need.
 */
export const maxGrowthBytes = 3_000_000;

export const toMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** All that a run did not fulfil, one sentence each. None: it passed. */
export const findViolations = (outcome: Outcome): string[] => {
  const { plannedCalls, answeredCalls, failures, clients, signedOut, memory, observedFaults, plannedFaults } = outcome;
  const isAllowed = ({ phase, code }: Failure) => phase !== 'calm' && code === 'SERVICE_UNAVAILABLE';
  const refused = failures.filter((failure) => !isAllowed(failure));
  return [
    ...(answeredCalls === plannedCalls
      ? []
      : [`${plannedCalls - answeredCalls} of ${plannedCalls} calls have no answer.`]),
    ...refused.map(
      ({ phase, procedure, code, reason, count }) =>
        `${count} calls of ${procedure} failed with ${code} ${reason} (${phase === 'calm' ? 'outside of the faults' : phase}).`,
    ),
    ...signedOut.map((line) => `Signed out: ${line}.`),
    ...(outcome.rateLimited === 0 ? [] : [`${outcome.rateLimited} answers said rate_limited.`]),
    ...(outcome.workingSessions === clients
      ? []
      : [`${clients - outcome.workingSessions} of ${clients} sessions do not work after the run.`]),
    ...(outcome.refreshes >= clients ? [] : [`Only ${outcome.refreshes} refreshes for ${clients} clients.`]),
    ...memory
      .filter(({ middleBytes, endBytes }) => endBytes - middleBytes > maxGrowthBytes)
      .map(
        ({ replica, middleBytes, endBytes }) =>
          `The memory of ${replica} grew from ${toMegabytes(middleBytes)} to ${toMegabytes(endBytes)}; ${toMegabytes(maxGrowthBytes)} are allowed.`,
      ),
    ...(memory.length === 0 ? ['The memory of no replica was measured.'] : []),
    ...plannedFaults
      .filter((name) => !observedFaults.includes(name))
      .map((name) => `The fault "${name}" left no trace.`),
  ];
};
