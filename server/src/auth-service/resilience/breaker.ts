import { createBoundedMap } from '../../platform/bounded-map.ts';
import type { CallSource } from './call-source.ts';

export type BreakerOptions = {
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  /** Told when it opens. */
  onOpen?: (() => void) | undefined;
};

/**
 * How a call ended. `rate_limited` and `abandoned` (the caller left) say nothing about the health of the service.
 */
export type CallEnd = 'good' | 'failed' | 'rate_limited' | 'abandoned';
/** The source that may be why a call failed. Null: the service itself, which did not answer. */
export type Blamed = CallSource | null;
type End = (how: CallEnd, blamed: Blamed) => void;

type Call = { isGood: boolean; blamed: Blamed };
/** How often a source's probes failed, and until when it may make no other. */
type FailedSource = { count: number; untilMs: number; waitMs: number };
type Probe = { source: CallSource; startedAtMs: number };
type Closed = { state: 'closed'; last: Call[] };
type Open = { state: 'open'; untilMs: number; waitMs: number };
type HalfOpen = {
  state: 'half_open';
  waitMs: number;
  probes: Set<Probe>;
  /** Sources whose probes failed. */
  failed: ReturnType<typeof createBoundedMap<string, FailedSource>>;
  hasPersonFailed: boolean;
  /** Whether the service answered a probe of a network, if only with a failure. */
  isAnswering: boolean;
};
type Circuit = Closed | Open | HalfOpen;

const failuresToOpen = 10;
const callsRemembered = 20;
/** Further failures of one source do not count. Of networks anybody can have several, so that each counts for less. */
const maxFailures = { person: 5, network: 3 };
const firstWaitMs = 5_000;
const longestWaitMs = 30_000;
/** Probes under way at once. Those of networks are limited only until the service answers one of them. */
const maxProbes = { person: 1, network: 4 };
/** A probe that takes longer makes room for another. */
const probeRoomMs = 2_000;
const maxFailedSources = 5_000;
/** After a recovery, failures of networks are ignored for so long while others get good answers. */
const distrustMs = 10 * 60_000;
const goodIsRecentMs = 30_000;

const maxFailuresOf = ({ isVerified }: CallSource): number => (isVerified ? maxFailures.person : maxFailures.network);
const sinceGood = (last: readonly Call[]): readonly Call[] =>
  last.slice(last.findLastIndex(({ isGood }) => isGood) + 1);

/** The failures of verified callers and of the service itself. */
const countTrusted = (calls: readonly Call[]): number => {
  const ofPerson = new Map<string, number>();
  let ofService = 0;
  for (const { isGood, blamed } of calls) {
    if (isGood) continue;
    if (blamed === null) ofService += 1;
    else if (blamed.isVerified) ofPerson.set(blamed.name, (ofPerson.get(blamed.name) ?? 0) + 1);
  }
  return [...ofPerson.values()].reduce((sum, count) => sum + Math.min(count, maxFailures.person), ofService);
};

const isBroken = (last: readonly Call[]): boolean =>
  sinceGood(last).length >= failuresToOpen ||
  // Not by failures of networks, which prove nothing while others get good answers: they may be attackers.
  (last.length === callsRemembered && countTrusted(last) >= failuresToOpen);

/**
 * Stops calls to an endpoint that fails: after 10 failed calls in a row, or half of the last 20. After 5 s it lets
 * probes through, and waits twice as long each time they fail, up to 30 s.
 *
 * One source never opens it: a person whose user is gone gets a 500 each time, and an attacker can cause failures at
 * will. Several networks of one attacker may open it, but do not keep it open: their probes leave room for those of
 * others, and after the first good answer their failures no longer count while others get good answers.
 */
export const createBreaker = ({ monotonicNow, onOpen }: BreakerOptions) => {
  let circuit: Circuit = { state: 'closed', last: [] };
  let lastGoodMs = Number.NEGATIVE_INFINITY;
  /** Until when failures of networks count only while nobody gets a good answer. */
  let distrustUntilMs = Number.NEGATIVE_INFINITY;

  const open = (waitMs: number) => {
    circuit = { state: 'open', untilMs: monotonicNow() + waitMs, waitMs };
    onOpen?.();
  };
  const halfOpen = (waitMs: number): HalfOpen => {
    const failed: HalfOpen['failed'] = createBoundedMap(maxFailedSources);
    const next: HalfOpen = {
      state: 'half_open',
      waitMs,
      probes: new Set(),
      failed,
      hasPersonFailed: false,
      isAnswering: false,
    };
    circuit = next;
    return next;
  };
  const close = () => {
    circuit = { state: 'closed', last: [] };
    distrustUntilMs = monotonicNow() + distrustMs;
  };

  /** Whether a network's failure is to be ignored, since others get good answers. */
  const isDistrusted = (): boolean => {
    const nowMs = monotonicNow();
    if (nowMs >= distrustUntilMs || nowMs - lastGoodMs >= goodIsRecentMs) return false;
    distrustUntilMs = nowMs + distrustMs;
    return true;
  };

  const countFailure = ({ last }: Closed, blamed: Blamed): boolean => {
    if (blamed === null) return true;
    if (!blamed.isVerified && isDistrusted()) return false;
    const earlier = sinceGood(last).filter((call) => call.blamed?.name === blamed.name).length;
    return earlier < maxFailuresOf(blamed);
  };

  const endClosed = (now: Closed, how: CallEnd, blamed: Blamed): void => {
    if (how === 'abandoned' || how === 'rate_limited') return;
    const isGood = how === 'good';
    if (!isGood && !countFailure(now, blamed)) return;
    now.last.push({ isGood, blamed: isGood ? null : blamed });
    if (now.last.length > callsRemembered) now.last.shift();
    if (isBroken(now.last)) open(firstWaitMs);
  };

  /** The source may not probe for a while, twice as long each time. */
  const holdOff = ({ failed, waitMs }: HalfOpen, { name }: CallSource, count: number): void => {
    const longerMs = Math.min(longestWaitMs, 2 * (failed.get(name)?.waitMs ?? waitMs));
    failed.set(name, { count, untilMs: monotonicNow() + longerMs, waitMs: longerMs });
  };

  const endPersonsProbe = (now: HalfOpen, person: CallSource): void => {
    if (now.hasPersonFailed) return open(Math.min(longestWaitMs, now.waitMs * 2));
    now.hasPersonFailed = true;
    holdOff(now, person, 1);
  };

  const endNetworksProbe = (now: HalfOpen, network: CallSource): void => {
    const { failed, waitMs } = now;
    now.isAnswering = true;
    const count = (failed.get(network.name)?.count ?? 0) + 1;
    if (count < maxFailures.network) {
      failed.set(network.name, { count, untilMs: monotonicNow(), waitMs });
      return;
    }
    // One network alone opens nothing, and so keeps nothing open.
    if (failed.size === 1 && !now.hasPersonFailed) return close();
    holdOff(now, network, count);
  };

  const endProbe = (now: HalfOpen, probe: Probe, how: CallEnd, blamed: Blamed): void => {
    now.probes.delete(probe);
    if (how === 'abandoned') return;
    if (how === 'good') return close();
    // It has had its turn.
    if (how === 'rate_limited') return holdOff(now, probe.source, 1);
    if (blamed === null) return open(Math.min(longestWaitMs, now.waitMs * 2));
    return blamed.isVerified ? endPersonsProbe(now, blamed) : endNetworksProbe(now, blamed);
  };

  /** Null: there is room for a probe of this source. Otherwise the milliseconds until it makes sense to ask again. */
  const waitForProbe = ({ probes, failed, isAnswering }: HalfOpen, source: CallSource): number | null => {
    const nowMs = monotonicNow();
    const leftMs = (failed.get(source.name)?.untilMs ?? nowMs) - nowMs;
    if (leftMs > 0) return Math.max(1_000, leftMs);
    let ofKind = 0;
    for (const probe of probes) {
      if (nowMs - probe.startedAtMs >= probeRoomMs) probes.delete(probe);
      else if (probe.source.name === source.name) return 1_000;
      else if (probe.source.isVerified === source.isVerified) ofKind += 1;
    }
    const most = source.isVerified ? maxProbes.person : isAnswering ? Number.POSITIVE_INFINITY : maxProbes.network;
    return ofKind < most ? null : 1_000;
  };

  const whileIn =
    (then: Circuit, end: End): End =>
    (how, blamed) => {
      if (how === 'good') lastGoodMs = monotonicNow();
      if (circuit === then) end(how, blamed);
    };

  return {
    /**
     * Asks to make a call. Answers how to report its end, or the milliseconds until it makes sense to ask again.
     * The end counts only while the breaker is as it was at the start: what was sent before says nothing new.
     */
    enter(source: CallSource): { end: End } | { retryAfterMs: number } {
      const nowMs = monotonicNow();
      if (circuit.state === 'open' && nowMs < circuit.untilMs) return { retryAfterMs: circuit.untilMs - nowMs };
      const now = circuit.state === 'open' ? halfOpen(circuit.waitMs) : circuit;
      if (now.state === 'closed') return { end: whileIn(now, (how, blamed) => endClosed(now, how, blamed)) };
      const retryAfterMs = waitForProbe(now, source);
      if (retryAfterMs !== null) return { retryAfterMs };
      const probe: Probe = { source, startedAtMs: nowMs };
      now.probes.add(probe);
      return { end: whileIn(now, (how, blamed) => endProbe(now, probe, how, blamed)) };
    },
    /** The service is known to be back: the next call may probe it. */
    recover(): void {
      if (circuit.state === 'open') halfOpen(firstWaitMs);
    },
    state: () => circuit.state,
  };
};

export type Breaker = ReturnType<typeof createBreaker>;
export type BreakerState = ReturnType<Breaker['state']>;
