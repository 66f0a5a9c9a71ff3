import type { ErrorCode, Reason, Status } from '@auth-bff/shared';
import { Counter, type CounterConfiguration, Gauge, type GaugeConfiguration, Histogram, Registry } from 'prom-client';
import type { AssignmentEvent } from '../assignment/assignments.ts';
import type { BreakerState } from '../auth-service/resilience/breaker.ts';
import type { CallOutcome } from '../auth-service/transport.ts';
import type { DirectoryKind } from '../directory/directory.ts';
import type { Recalled } from '../directory/freshness.ts';
import type { AttemptLimit } from '../rate-limit/attempt-limiter.ts';
import { readVersion } from '../version.ts';
import { registerProcessMetrics } from './process-metrics.ts';
import type { KeyVariable } from './replica-keys/compare-keys.ts';
import type { RefreshOutcome } from '../session/refresh/refresher.ts';

export type MetricsOptions = {
  /** Read at each scrape. */
  status: () => Status;
  breakerStates: () => Iterable<readonly [endpoint: string, state: BreakerState]>;
  /** Null where there is no Redis. */
  redis: () => 'up' | 'away' | null;
  /** Estimated memory of turns and keys. Null if they are in Redis. */
  assignmentBytes: (() => number) | null;
  /** Whether a key differs from that of another running replica. Null without Redis, where there is nothing to compare with. */
  keyMismatches: () => Iterable<readonly [KeyVariable, boolean]> | null;
};

/** `OK`, tRPC's code of the failure, or that nobody waited for the answer any more. */
export type CallCode = 'OK' | ErrorCode | 'CLIENT_CLOSED_REQUEST';
export type Limit = 'requests' | 'assignment_keys' | AttemptLimit;

const refreshOutcomes: readonly RefreshOutcome[] = [
  'exchanged',
  'shared',
  'superseded',
  'ended',
  'refused',
  'unavailable',
];
const turnOutcomes: ReadonlyArray<AssignmentEvent['outcome']> = [
  'assigned',
  'replayed',
  'no_candidates',
  'all_excluded',
];
const limits: readonly Limit[] = ['requests', 'assignment_keys', 'sign_in', 'second_factor', 'refresh'];

const breakerValues: Record<BreakerState, number> = { closed: 0, half_open: 1, open: 2 };
const authServiceStates: ReadonlyArray<Status['authService']> = ['up', 'degraded', 'down'];

const callBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const upstreamBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Calls that wait to be counted, at most: few enough for nobody to notice when they are. */
const maxUntold = 50;

/**
 * What is counted, for Prometheus. Label values are bounded: never a person, a key, a path, or what a client may make
 * up. Whoever calls these passes on names from the code alone.
 */
export const createMetrics = ({ status, breakerStates, redis, assignmentBytes, keyMismatches }: MetricsOptions) => {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(options: CounterConfiguration<Label>) =>
    new Counter({ ...options, registers });
  const gauge = <Label extends string>(options: GaugeConfiguration<Label>) => new Gauge({ ...options, registers });

  // Counted many at once, which costs a tenth of one by one between other work.
  let untold: Array<{ procedure: string; code: CallCode; seconds: number }> = [];
  const tellCalls = () => {
    const observed = untold;
    untold = [];
    for (const { procedure, code, seconds } of observed) calls.observe({ procedure, code }, seconds);
  };
  const calls = new Histogram({
    collect: tellCalls,
    name: 'auth_bff_call_duration_seconds',
    help: 'Calls of procedures, each of a batch, by how they ended. Procedure unknown: no such one; none: refused before any was known.',
    labelNames: ['procedure', 'code'],
    buckets: callBuckets,
    registers,
  });
  const failures = counter({
    name: 'auth_bff_failures_total',
    help: 'Calls and requests that failed, by reason, while somebody waited for them.',
    labelNames: ['reason'],
  });
  const upstreamCalls = new Histogram({
    name: 'auth_bff_upstream_call_duration_seconds',
    help: 'Attempts to ask the Auth Service, by endpoint and how they ended.',
    labelNames: ['endpoint', 'outcome'],
    buckets: upstreamBuckets,
    registers,
  });
  const refreshes = counter({
    name: 'auth_bff_refreshes_total',
    help: 'Refreshes of sessions, by how they ended.',
    labelNames: ['outcome'],
  });
  const rateLimited = counter({
    name: 'auth_bff_rate_limited_total',
    help: 'Requests refused for there were too many, by the limit that they met.',
    labelNames: ['limit'],
  });
  const assignments = counter({
    name: 'auth_bff_assignments_total',
    help: 'Turns that were asked for, by how that ended.',
    labelNames: ['outcome'],
  });

  // A series that begins at 1 has no rate for its first event.
  for (const outcome of refreshOutcomes) refreshes.inc({ outcome }, 0);
  for (const limit of limits) rateLimited.inc({ limit }, 0);
  for (const outcome of turnOutcomes) assignments.inc({ outcome }, 0);

  // A call may look up 500 people: counted as plain numbers, and told at the scrape.
  const recalled = new Map<DirectoryKind, Record<Recalled, number>>();
  const joined = new Map<DirectoryKind, number>();
  counter({
    name: 'auth_bff_directory_lookups_total',
    help: 'Lookups in the directory: hit and stale were answered from memory.',
    labelNames: ['kind', 'result'],
    collect() {
      this.reset();
      for (const [kind, counts] of recalled) {
        for (const [result, count] of Object.entries(counts)) this.inc({ kind, result }, count);
      }
    },
  });
  counter({
    name: 'auth_bff_directory_shared_loads_total',
    help: 'Lookups in the directory that joined one under way.',
    labelNames: ['kind'],
    collect() {
      this.reset();
      for (const [kind, count] of joined) this.inc({ kind }, count);
    },
  });
  gauge({
    name: 'auth_bff_breaker_state',
    help: 'Breakers of the endpoints asked so far: 0 closed, 1 half open, 2 open.',
    labelNames: ['endpoint'],
    collect() {
      for (const [endpoint, state] of breakerStates()) this.set({ endpoint }, breakerValues[state]);
    },
  });
  gauge({
    name: 'auth_bff_auth_service_state',
    help: 'How the Auth Service is: 1 for the state that it is in.',
    labelNames: ['state'],
    collect() {
      const { authService } = status();
      for (const state of authServiceStates) this.set({ state }, state === authService ? 1 : 0);
    },
  });
  if (redis() !== null) {
    gauge({
      name: 'auth_bff_redis_up',
      help: 'Whether Redis can be asked.',
      collect() {
        this.set(redis() === 'up' ? 1 : 0);
      },
    });
  }
  if (assignmentBytes !== null) {
    gauge({
      name: 'auth_bff_assignment_memory_bytes',
      help: 'Estimated memory of turns and assignment keys.',
      collect() {
        this.set(assignmentBytes());
      },
    });
  }
  if (keyMismatches() !== null) {
    gauge({
      name: 'auth_bff_key_mismatch',
      help: 'Keys that differ from those of another running replica: 1 if the variable has another value there.',
      labelNames: ['variable'],
      collect() {
        for (const [variable, differs] of keyMismatches() ?? []) this.set({ variable }, differs ? 1 : 0);
      },
    });
  }
  gauge({
    name: 'auth_bff_build_info',
    help: 'The version that runs.',
    labelNames: ['version'],
  }).set({ version: readVersion() }, 1);
  const { close } = registerProcessMetrics(registry);

  return {
    observeCall(procedure: string, code: CallCode, durationMs: number): void {
      if (untold.push({ procedure, code, seconds: durationMs / 1000 }) >= maxUntold) tellCalls();
    },
    countFailure: (reason: Reason): void => failures.inc({ reason }),
    observeUpstreamCall: ({ endpoint, outcome, durationMs }: Omit<CallOutcome, 'status' | 'requestId'>): void =>
      upstreamCalls.observe({ endpoint, outcome }, durationMs / 1000),
    countLookup(kind: DirectoryKind, how: Recalled): void {
      const counts = recalled.get(kind) ?? { hit: 0, stale: 0, miss: 0 };
      counts[how] += 1;
      recalled.set(kind, counts);
    },
    countSharedLoad: (kind: DirectoryKind): void => void joined.set(kind, (joined.get(kind) ?? 0) + 1),
    countRefresh: (outcome: RefreshOutcome): void => refreshes.inc({ outcome }),
    countRateLimited: (limit: Limit): void => rateLimited.inc({ limit }),
    countAssignment: ({ outcome }: Pick<AssignmentEvent, 'outcome'>): void => assignments.inc({ outcome }),
    contentType: registry.contentType,
    /** In Prometheus's text format. */
    text: (): Promise<string> => registry.metrics(),
    /** Ends what is measured in the background. */
    close,
  };
};

export type Metrics = ReturnType<typeof createMetrics>;
