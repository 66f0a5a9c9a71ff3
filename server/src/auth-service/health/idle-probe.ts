import { startBackgroundTimer, type StartTimer } from '../../platform/start-timer.ts';

export type IdleProbeOptions = {
  /** Never rejects. */
  probe: () => Promise<void>;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  /** Default `setTimeout`. */
  startTimer?: StartTimer | undefined;
};

/** A result is recent for this time. */
const idleMs = 30_000;

/**
 * Probes the service at the start, and again after 30 s without a call result. Otherwise the state of a service without
 * callers, such as at night, would be that of the last call.
 */
export const createIdleProbe = ({ probe, monotonicNow, startTimer = startBackgroundTimer }: IdleProbeOptions) => {
  let lastResultMs = Number.NEGATIVE_INFINITY;
  let cancel: (() => void) | null = null;
  let isClosed = false;

  const schedule = (ms: number): void => {
    if (!isClosed) cancel = startTimer(() => void onTimer(), ms);
  };
  const onTimer = async (): Promise<void> => {
    const idleForMs = monotonicNow() - lastResultMs;
    if (idleForMs < idleMs) return schedule(idleMs - idleForMs);
    await probe();
    // Also if the probe was abandoned, and so had no result.
    schedule(idleMs);
  };

  return {
    /** A call of the service has ended with a result. */
    onResult(): void {
      lastResultMs = monotonicNow();
    },
    /** Does not wait for the first probe. */
    start(): void {
      if (cancel === null) schedule(0);
    },
    close(): void {
      isClosed = true;
      cancel?.();
    },
  };
};
