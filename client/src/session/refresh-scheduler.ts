import type { Clock } from '../clock.ts';
import type { Page } from './page.ts';
import { refreshTimes } from './refresh-times.ts';

export type RefreshSchedulerOptions = {
  clock: Clock;
  /** Returns a number between 0 and 1. */
  random: () => number;
  /** Null outside browsers: there only a call starts a refresh. */
  page: Page | null;
  /** Seconds before expiry, at most half of the lifetime. Null: the BFF decides (`x-session-refresh-in`). */
  thresholdSeconds: number | null;
  /** Whether a hidden tab refreshes without a call. */
  refreshWhileHidden: boolean;
  refresh: (options: { isHidden: boolean }) => Promise<void>;
};

/** Minimum time between two refreshes, whatever lifetimes the BFF states. It doubles with each failure up to the maximum. */
const minSpacingMs = 5_000;
const maxSpacingMs = 60_000;
/** Two responses whose expiry times differ by less describe one token: the header has whole seconds and arrives late. */
const sameExpiryMs = 5_000;
/** Browsers fire a timer with a longer delay at once. */
const maxTimerMs = 2 ** 31 - 1;
const never = Number.POSITIVE_INFINITY;

/**
 * Refreshes the session before it expires. The delay counts from the arrival of the response, on a monotonic clock. After
 * the computer has slept, the next timer or call finds that a refresh is due.
 */
export const createRefreshScheduler = (options: RefreshSchedulerOptions) => {
  const { clock, random, page, thresholdSeconds, refreshWhileHidden, refresh } = options;
  let visibleDueAtMs = never;
  let hiddenDueAtMs = never;
  let notBeforeMs = -never;
  /** Expiry of the token that the due times belong to. */
  let expiresAtMs = -never;
  /** Consecutive refreshes that failed, or returned a token that was due again soon. */
  let failures = 0;
  let lifetimeSeconds: number | null = null;
  let spread = random();
  let timer: unknown = null;
  let isDisposed = false;

  const isHidden = () => page !== null && !page.isVisible();
  const dueAtMs = (hidden: boolean) => Math.max(hidden ? hiddenDueAtMs : visibleDueAtMs, notBeforeMs);
  const spacingMs = () => Math.min(maxSpacingMs, minSpacingMs * 2 ** failures);

  const stopTimer = () => {
    if (timer !== null) clock.clearTimeout(timer);
    timer = null;
  };
  const startTimer = () => {
    stopTimer();
    const atMs = dueAtMs(isHidden());
    if (page === null || atMs === never) return;
    const onTimer = () => {
      timer = null;
      refreshIfDue();
    };
    timer = clock.setTimeout(onTimer, Math.min(Math.max(0, atMs - clock.now()), maxTimerMs));
  };

  const setDue = (visibleAtMs: number, hiddenAtMs: number) => {
    visibleDueAtMs = visibleAtMs;
    hiddenDueAtMs = refreshWhileHidden ? hiddenAtMs : never;
  };

  /** A call uses the due time of a visible tab, and does not wait for the refresh. */
  const refreshIfDue = (isCall = false) => {
    const hidden = !isCall && isHidden();
    if (clock.now() < dueAtMs(hidden)) {
      // The due time changes when the tab is shown or hidden, not with a call.
      if (!isCall || timer === null) startTimer();
      return;
    }
    setDue(never, never);
    stopTimer();
    refresh({ isHidden: hidden }).catch(() => {});
  };

  const stopListening = page?.onChange(() => refreshIfDue());

  /** The session has ended. */
  const unschedule = () => {
    setDue(never, never);
    expiresAtMs = -never;
    lifetimeSeconds = null;
    stopTimer();
  };

  return {
    /** Seconds, as the BFF stated them. `isNew`: the token has just been issued. */
    schedule({ expiresIn, refreshIn, isNew }: { expiresIn: number; refreshIn: number; isNew: boolean }): void {
      if (isDisposed) return;
      const nowMs = clock.now();
      if (isNew) {
        lifetimeSeconds = expiresIn;
        spread = random();
        failures = expiresIn * 500 < minSpacingMs ? failures + 1 : 0;
        notBeforeMs = nowMs + spacingMs();
      } else if (thresholdSeconds !== null) lifetimeSeconds ??= expiresIn;
      const times = refreshTimes({ expiresIn, refreshIn, lifetimeSeconds, thresholdSeconds, spread });
      const visibleAtMs = nowMs + times.visibleSeconds * 1000;
      const hiddenAtMs = nowMs + times.hiddenSeconds * 1000;
      const isSameToken = !isNew && Math.abs(nowMs + expiresIn * 1000 - expiresAtMs) < sameExpiryMs;
      if (isSameToken) {
        // The spread counts from the first response: otherwise a page with constant calls would never refresh.
        setDue(Math.min(visibleDueAtMs, visibleAtMs), Math.min(hiddenDueAtMs, hiddenAtMs));
      } else {
        expiresAtMs = nowMs + expiresIn * 1000;
        setDue(visibleAtMs, hiddenAtMs);
      }
      startTimer();
    },
    /** A refresh failed, and the session continues: the next attempt follows after an exponential back-off with jitter. */
    coolDown(retryAfterSeconds = 0): void {
      if (isDisposed) return;
      const backOffMs = spacingMs() * (0.5 + random() / 2);
      failures += 1;
      notBeforeMs = clock.now() + Math.max(backOffMs, retryAfterSeconds * 1000);
      setDue(notBeforeMs, notBeforeMs);
      startTimer();
    },
    unschedule,
    onCall: () => refreshIfDue(true),
    dispose(): void {
      isDisposed = true;
      unschedule();
      stopListening?.();
    },
  };
};
