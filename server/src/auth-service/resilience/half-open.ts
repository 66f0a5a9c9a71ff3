import { createBoundedMap } from '../../platform/bounded-map.ts';
import type { CallSource } from './call-source.ts';
import { type Blamed, maxFailuresOf } from './failure-window.ts';

/** `rate_limited` and `abandoned` (the client disconnected) say nothing about the health of the service. */
export type CallResult = 'success' | 'failure' | 'rate_limited' | 'abandoned';

export type Probe = { source: CallSource; startedAtMs: number };

/** Failed probes of one source, and the time before which it may not probe again. */
type FailedSource = { count: number; untilMs: number; waitMs: number };

export type HalfOpen = {
  state: 'half_open';
  /** How long the breaker was open before. */
  waitMs: number;
  probes: Set<Probe>;
  failed: ReturnType<typeof createBoundedMap<string, FailedSource>>;
  hasPersonFailed: boolean;
  /** The service responded to a probe of a network, even if with a failure. */
  isResponding: boolean;
};

/** What the end of a probe means for the breaker. */
export type ProbeVerdict = 'close' | 'reopen' | 'stay';

export const maxWaitMs = 30_000;
/** Concurrent probes. For networks, the limit ends with the first response of the service. */
const maxProbes = { person: 1, network: 4 };
/** A probe that takes longer no longer counts as concurrent. */
const slowProbeMs = 2_000;
const maxFailedSources = 5_000;
const retryProbeMs = 1_000;

export const createHalfOpen = (waitMs: number): HalfOpen => ({
  state: 'half_open',
  waitMs,
  probes: new Set(),
  failed: createBoundedMap(maxFailedSources),
  hasPersonFailed: false,
  isResponding: false,
});

/** Null if this source may probe now. Otherwise the milliseconds after which a retry makes sense. */
export const probeDelayMs = (halfOpen: HalfOpen, source: CallSource, nowMs: number): number | null => {
  const { probes, failed, isResponding } = halfOpen;
  const leftMs = (failed.get(source.name)?.untilMs ?? nowMs) - nowMs;
  if (leftMs > 0) return Math.max(retryProbeMs, leftMs);
  let sameKind = 0;
  for (const probe of probes) {
    if (nowMs - probe.startedAtMs >= slowProbeMs) probes.delete(probe);
    else if (probe.source.name === source.name) return retryProbeMs;
    else if (probe.source.isVerified === source.isVerified) sameKind += 1;
  }
  if (!source.isVerified && isResponding) return null;
  return sameKind < (source.isVerified ? maxProbes.person : maxProbes.network) ? null : retryProbeMs;
};

/** Doubles the time during which this source may not probe. */
const backOff = ({ failed, waitMs }: HalfOpen, { name }: CallSource, count: number, nowMs: number): void => {
  const nextMs = Math.min(maxWaitMs, 2 * (failed.get(name)?.waitMs ?? waitMs));
  failed.set(name, { count, untilMs: nowMs + nextMs, waitMs: nextMs });
};

const failPersonsProbe = (halfOpen: HalfOpen, person: CallSource, nowMs: number): ProbeVerdict => {
  if (halfOpen.hasPersonFailed) return 'reopen';
  halfOpen.hasPersonFailed = true;
  backOff(halfOpen, person, 1, nowMs);
  return 'stay';
};

const failNetworksProbe = (halfOpen: HalfOpen, network: CallSource, nowMs: number): ProbeVerdict => {
  const { failed, waitMs } = halfOpen;
  halfOpen.isResponding = true;
  const count = (failed.get(network.name)?.count ?? 0) + 1;
  if (count < maxFailuresOf(network)) {
    failed.set(network.name, { count, untilMs: nowMs, waitMs });
    return 'stay';
  }
  // A single network cannot open the breaker, so it cannot keep it open either.
  if (failed.size === 1 && !halfOpen.hasPersonFailed) return 'close';
  backOff(halfOpen, network, count, nowMs);
  return 'stay';
};

/** Records the end of a probe and decides the next state of the breaker. */
export const endProbe = (
  halfOpen: HalfOpen,
  { probe, result, blamed, nowMs }: { probe: Probe; result: CallResult; blamed: Blamed; nowMs: number },
): ProbeVerdict => {
  halfOpen.probes.delete(probe);
  if (result === 'abandoned') return 'stay';
  if (result === 'success') return 'close';
  if (result === 'rate_limited') {
    // The source has used its attempt.
    backOff(halfOpen, probe.source, 1, nowMs);
    return 'stay';
  }
  if (blamed === null) return 'reopen';
  return blamed.isVerified ? failPersonsProbe(halfOpen, blamed, nowMs) : failNetworksProbe(halfOpen, blamed, nowMs);
};
