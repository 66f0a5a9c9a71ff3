import type { Failure } from './call-statistics.ts';
import type { FaultName } from '../scenario/plan-run.ts';

/** The results of a run that decide whether it passed. */
export type Outcome = {
  plannedCalls: number;
  answeredCalls: number;
  failures: Failure[];
  clients: number;
  /** One line for each client that was signed out, lost its cookies or was mistaken for another person. */
  signedOut: string[];
  /** Number of `rate_limited` responses, including attempts that were retried. */
  rateLimited: number;
  /** Number of clients whose session could be refreshed after the run and still belonged to the same person. */
  workingSessions: number;
  /** Number of refresh tokens exchanged during the run. */
  refreshes: number;
  /** Bytes after garbage collection. */
  memory: ReadonlyArray<{ replica: string; middleBytes: number; endBytes: number }>;
  /** Faults with a measurable effect. A fault without effect means that the run has not tested it. */
  observedFaults: FaultName[];
  plannedFaults: FaultName[];
};

/**
 * Maximum growth in bytes of the memory of a replica from the middle of a run to its end, after garbage collection. By the
 * middle, caches are full and nearly all code is compiled.
 */
export const maxGrowthBytes = 3_000_000;

export const toMegabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** The violations of a run, one sentence each. Empty: it passed. */
export const findViolations = (outcome: Outcome): string[] => {
  const { plannedCalls, answeredCalls, failures, clients, signedOut, memory, observedFaults, plannedFaults } = outcome;
  const isAllowed = ({ phase, code }: Failure) => phase !== 'calm' && code === 'SERVICE_UNAVAILABLE';
  const forbidden = failures.filter((failure) => !isAllowed(failure));
  return [
    ...(answeredCalls === plannedCalls
      ? []
      : [`${plannedCalls - answeredCalls} of ${plannedCalls} calls got no response.`]),
    ...forbidden.map(
      ({ phase, procedure, code, reason, count }) =>
        `${count} calls of ${procedure} failed with ${code} ${reason} (${phase === 'calm' ? 'outside of faults' : phase}).`,
    ),
    ...signedOut.map((line) => `Signed out: ${line}.`),
    ...(outcome.rateLimited === 0 ? [] : [`${outcome.rateLimited} responses were rate_limited.`]),
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
    ...(memory.length === 0 ? ['No memory was measured.'] : []),
    ...plannedFaults
      .filter((name) => !observedFaults.includes(name))
      .map((name) => `The fault "${name}" had no measurable effect.`),
  ];
};
