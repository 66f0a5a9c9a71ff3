import { codeOfReason, type ErrorCode, type Reason } from '@auth-bff/shared';
import { Counter, type CounterConfiguration, Gauge, Histogram, Registry } from 'prom-client';
import type { ResetMailOutcome } from '../../account/reset-mails.ts';
import type { AssignmentEvent } from '../../assignment/assignments.ts';
import type { CallOutcome } from '../../auth-service/transport.ts';
import type { DirectoryKind } from '../../directory/directory.ts';
import type { CacheResult } from '../../directory/swr-cache.ts';
import type { AccountLimit } from '../../rate-limit/account-limiter.ts';
import type { AttemptLimit } from '../../rate-limit/attempt-limiter.ts';
import { readVersion } from '../../version.ts';
import { createCallDurations } from './call-durations.ts';
import { processMetrics } from './process-metrics.ts';
import { addStateGauges, type StateSources } from './state-gauges.ts';
import type { RefreshOutcome } from '../../session/refresh/refresher.ts';

/** `OK`, tRPC's error code, or that the client disconnected before the response. */
export type CallCode = 'OK' | ErrorCode | 'CLIENT_CLOSED_REQUEST';
export type Limit = 'requests' | 'assignment_keys' | 'pictures' | AttemptLimit | AccountLimit;

const refreshOutcomes: readonly RefreshOutcome[] = [
  'exchanged',
  'shared',
  'superseded',
  'ended',
  'refused',
  'unavailable',
];
const assignmentOutcomes: ReadonlyArray<AssignmentEvent['outcome']> = [
  'assigned',
  'reassigned',
  'replayed',
  'no_candidates',
  'all_excluded',
  'all_away',
];
const limits: readonly Limit[] = [
  'requests',
  'assignment_keys',
  'pictures',
  'sign_in',
  'second_factor',
  'refresh',
  'password',
  'second_factor_mail',
  'password_reset_mail',
  'password_reset',
];
const resetMailOutcomes: readonly ResetMailOutcome[] = ['accepted', 'refused', 'failed', 'unsent'];

const upstreamBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/**
 * Prometheus metrics of events. Label values come from the code alone, never from a client: a person, a key or a path as a
 * label would create an unbounded number of series.
 */
export const createMetrics = () => {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(options: CounterConfiguration<Label>) =>
    new Counter({ ...options, registers });

  const calls = createCallDurations();
  registry.registerMetric(calls.metric);
  const failures = counter({
    name: 'auth_bff_failures_total',
    help: 'Failed calls and rejected requests, by reason. Not counted if the client disconnected first.',
    labelNames: ['reason'],
  });
  const upstreamCalls = new Histogram({
    name: 'auth_bff_upstream_call_duration_seconds',
    help: 'Duration of calls to the Auth Service in seconds, by endpoint and outcome. Each retry counts.',
    labelNames: ['endpoint', 'outcome'],
    buckets: upstreamBuckets,
    registers,
  });
  const refreshes = counter({
    name: 'auth_bff_refreshes_total',
    help: 'Session refreshes, by outcome.',
    labelNames: ['outcome'],
  });
  const rateLimited = counter({
    name: 'auth_bff_rate_limited_total',
    help: 'Requests rejected by a rate limit, by limit.',
    labelNames: ['limit'],
  });
  const assignments = counter({
    name: 'auth_bff_assignments_total',
    help: 'Calls of assignments.next, by outcome.',
    labelNames: ['outcome'],
  });

  const resetMails = counter({
    name: 'auth_bff_password_reset_mails_total',
    help: 'Requests for password-reset mails, by outcome. failed: the mail was probably not sent, and the caller was not told.',
    labelNames: ['outcome'],
  });

  // Series start at 0: rate() misses the first event of a series that starts at 1.
  for (const reason of Object.keys(codeOfReason) as Reason[]) failures.inc({ reason }, 0);
  for (const outcome of refreshOutcomes) refreshes.inc({ outcome }, 0);
  for (const limit of limits) rateLimited.inc({ limit }, 0);
  for (const outcome of resetMailOutcomes) resetMails.inc({ outcome }, 0);
  for (const outcome of assignmentOutcomes) assignments.inc({ outcome }, 0);

  // A call may look up 500 people, so lookups are counted as plain numbers and exported at the scrape.
  const lookups = new Map<DirectoryKind, Record<CacheResult, number>>();
  const sharedLoads = new Map<DirectoryKind, number>();
  counter({
    name: 'auth_bff_directory_lookups_total',
    help: 'Directory lookups, by kind and cache result: hit and stale came from the cache.',
    labelNames: ['kind', 'result'],
    collect() {
      this.reset();
      for (const [kind, counts] of lookups) {
        for (const [result, count] of Object.entries(counts)) this.inc({ kind, result }, count);
      }
    },
  });
  counter({
    name: 'auth_bff_directory_shared_loads_total',
    help: 'Directory lookups that joined an in-flight load of the same entry.',
    labelNames: ['kind'],
    collect() {
      this.reset();
      for (const [kind, count] of sharedLoads) this.inc({ kind }, count);
    },
  });
  const buildInfo = new Gauge({
    name: 'auth_bff_build_info',
    help: 'Version of the running BFF, as a label. The value is always 1.',
    labelNames: ['version'],
    registers,
  });
  buildInfo.set({ version: readVersion() }, 1);
  // From the start: a registry created at the first scrape would miss everything before it.
  const ofProcess = processMetrics();

  return {
    observeCall: (procedure: string, code: CallCode, durationMs: number): void =>
      calls.observe(procedure, code, durationMs / 1000),
    countFailure: (reason: Reason): void => failures.inc({ reason }),
    observeUpstreamCall: ({ endpoint, outcome, durationMs }: Omit<CallOutcome, 'status' | 'requestId'>): void =>
      upstreamCalls.observe({ endpoint, outcome }, durationMs / 1000),
    countLookup(kind: DirectoryKind, result: CacheResult): void {
      let counts = lookups.get(kind);
      if (counts === undefined) {
        counts = { hit: 0, stale: 0, miss: 0 };
        lookups.set(kind, counts);
      }
      counts[result] += 1;
    },
    countSharedLoad: (kind: DirectoryKind): void => void sharedLoads.set(kind, (sharedLoads.get(kind) ?? 0) + 1),
    countRefresh: (outcome: RefreshOutcome): void => refreshes.inc({ outcome }),
    countRateLimited: (limit: Limit): void => rateLimited.inc({ limit }),
    countAssignment: ({ outcome }: Pick<AssignmentEvent, 'outcome'>): void => assignments.inc({ outcome }),
    countResetMail: (outcome: ResetMailOutcome): void => resetMails.inc({ outcome }),
    /** Adds the gauges of the state of the service. Called once, when all of its parts exist. */
    addStateGauges: (sources: StateSources): void => addStateGauges(registry, sources),
    contentType: registry.contentType,
    /** Prometheus text format. */
    text: (): Promise<string> => Registry.merge([registry, ofProcess]).metrics(),
  };
};

export type Metrics = ReturnType<typeof createMetrics>;
