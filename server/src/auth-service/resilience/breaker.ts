import type { CallSource } from './call-source.ts';
import { addCall, type Blamed, hasFailuresLeft, isTripped, type RecentCall } from './failure-window.ts';
import {
  type CallResult,
  createHalfOpen,
  endProbe,
  type HalfOpen,
  maxWaitMs,
  type Probe,
  probeDelayMs,
} from './half-open.ts';

export type BreakerOptions = {
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  onOpen?: (() => void) | undefined;
};

type EndCall = (result: CallResult, blamed: Blamed) => void;

type Closed = { state: 'closed'; calls: RecentCall[] };
type Open = { state: 'open'; untilMs: number; waitMs: number };
type Circuit = Closed | Open | HalfOpen;

const firstWaitMs = 5_000;
/** After a recovery, failures of networks are ignored for this time while other callers succeed. */
const distrustMs = 10 * 60_000;
const recentSuccessMs = 30_000;

/**
 * Circuit breaker of one endpoint. It opens after 10 failures in a row, or 10 among the last 20 calls. After 5 s it lets
 * probes through. Each failed round doubles the wait, up to 30 s.
 *
 * One source alone never opens it: a deleted person's token causes a 500 on every call, and an attacker can cause
 * failures at will. An attacker with several networks may open it but cannot keep it open: each network has few probes,
 * and after the first success their failures no longer count while other callers succeed.
 */
export const createBreaker = ({ monotonicNow, onOpen }: BreakerOptions) => {
  let circuit: Circuit = { state: 'closed', calls: [] };
  let lastSuccessMs = Number.NEGATIVE_INFINITY;
  /** Until then, failures of networks count only while no caller succeeds. */
  let distrustUntilMs = Number.NEGATIVE_INFINITY;

  const open = (waitMs: number): void => {
    circuit = { state: 'open', untilMs: monotonicNow() + waitMs, waitMs };
    onOpen?.();
  };
  const halfOpen = (waitMs: number): HalfOpen => {
    const next = createHalfOpen(waitMs);
    circuit = next;
    return next;
  };
  const close = (): void => {
    circuit = { state: 'closed', calls: [] };
    distrustUntilMs = monotonicNow() + distrustMs;
  };

  /** Extends the distrust while it is in effect. */
  const isNetworkDistrusted = (): boolean => {
    const nowMs = monotonicNow();
    if (nowMs >= distrustUntilMs || nowMs - lastSuccessMs >= recentSuccessMs) return false;
    distrustUntilMs = nowMs + distrustMs;
    return true;
  };

  const isCounted = ({ calls }: Closed, blamed: Blamed): boolean => {
    if (blamed === null) return true;
    if (!blamed.isVerified && isNetworkDistrusted()) return false;
    return hasFailuresLeft(calls, blamed);
  };

  const endClosed = (closed: Closed, result: CallResult, blamed: Blamed): void => {
    if (result === 'abandoned' || result === 'rate_limited') return;
    const isSuccess = result === 'success';
    if (!isSuccess && !isCounted(closed, blamed)) return;
    addCall(closed.calls, { isSuccess, blamed: isSuccess ? null : blamed });
    if (isTripped(closed.calls)) open(firstWaitMs);
  };

  const endHalfOpen = (state: HalfOpen, probe: Probe, result: CallResult, blamed: Blamed): void => {
    const verdict = endProbe(state, { probe, result, blamed, nowMs: monotonicNow() });
    if (verdict === 'close') close();
    if (verdict === 'reopen') open(Math.min(maxWaitMs, state.waitMs * 2));
  };

  const noteSuccess = (result: CallResult): void => {
    if (result === 'success') lastSuccessMs = monotonicNow();
  };

  return {
    /**
     * Admits a call and returns the function that reports its end, or refuses it with the milliseconds after which a
     * retry makes sense. A report counts only in the state in which the call was admitted.
     */
    enter(source: CallSource): { end: EndCall } | { retryAfterMs: number } {
      const nowMs = monotonicNow();
      if (circuit.state === 'open' && nowMs < circuit.untilMs) return { retryAfterMs: circuit.untilMs - nowMs };
      const entered = circuit.state === 'open' ? halfOpen(circuit.waitMs) : circuit;
      if (entered.state === 'closed') {
        return {
          end(result, blamed) {
            noteSuccess(result);
            if (circuit === entered) endClosed(entered, result, blamed);
          },
        };
      }
      const retryAfterMs = probeDelayMs(entered, source, nowMs);
      if (retryAfterMs !== null) return { retryAfterMs };
      const probe: Probe = { source, startedAtMs: nowMs };
      entered.probes.add(probe);
      return {
        end(result, blamed) {
          noteSuccess(result);
          if (circuit === entered) endHalfOpen(entered, probe, result, blamed);
        },
      };
    },
    /** Ends the wait of an open breaker, because the service is known to be back. */
    recover(): void {
      if (circuit.state === 'open') halfOpen(firstWaitMs);
    },
    state: () => circuit.state,
  };
};

export type Breaker = ReturnType<typeof createBreaker>;
export type BreakerState = ReturnType<Breaker['state']>;
