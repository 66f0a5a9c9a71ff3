import type { Clock } from '../clock.ts';
import type { Page } from './page.ts';
import { refreshTimes } from './refresh-times.ts';

export type AheadOfTimeOptions = {
  clock: Clock;
  /** Between 0 and 1. */
  random: () => number;
  /** Null outside browsers: there only a call is reason to refresh. */
  page: Page | null;
  /** Replaces what the server says of when to refresh: seconds before expiry, at most half of the lifetime. */
  thresholdSeconds: number | null;
  /** Whether a hidden tab refreshes, too, without a call. */
  refreshWhileHidden: boolean;
  refresh: (options: { isHidden: boolean }) => Promise<void>;
};

/** Refreshes follow each other no faster, whatever the server answers. */
const minSpacingMs = 5_000;
const maxSpacingMs = 60_000;
/** Answers that name expiries this close to each other are about one token: they are whole seconds, and may arrive late. */
const sameExpiryMs = 5_000;
/** Timers know no longer wait, and end a longer one at once. */
const maxTimerMs = 2 ** 31 - 1;
const never = Number.POSITIVE_INFINITY;

/**
 * Refreshes the session before it expires. It counts from when the server's "in so many seconds" arrived, on a clock
 * that only goes forward; a laptop that slept through it finds out when its timers run again, or by the answer to its
 * next call.
 */
export const createAheadOfTime = (options: AheadOfTimeOptions) => {
  const { clock, random, page, thresholdSeconds, refreshWhileHidden, refresh } = options;
  let visibleDueAtMs = never;
  let hiddenDueAtMs = never;
  let notBeforeMs = -never;
  /** The expiry of the token that the due times are about. */
  let expiresAtMs = -never;
  /** Refreshes in a row that failed, or brought a token which was soon due again. */
  let failures = 0;
  let lifetimeSeconds: number | null = null;
  let spread = random();
  let timer: unknown = null;
  let isDisposed = false;

  const isHidden = () => page !== null && !page.isVisible();
  const dueAtMs = (hidden: boolean) => Math.max(hidden ? hiddenDueAtMs : visibleDueAtMs, notBeforeMs);

  const disarm = () => {
    if (timer !== null) clock.clearTimeout(timer);
    timer = null;
  };
  const arm = () => {
    disarm();
    const atMs = dueAtMs(isHidden());
    if (page === null || atMs === never) return;
    timer = clock.setTimeout(
      () => {
        timer = null;
        check();
      },
      Math.min(Math.max(0, atMs - clock.now()), maxTimerMs),
    );
  };
  const spacingMs = () => Math.min(maxSpacingMs, minSpacingMs * 2 ** failures);

  const setDue = (visibleAtMs: number, hiddenAtMs: number) => {
    visibleDueAtMs = visibleAtMs;
    hiddenDueAtMs = refreshWhileHidden ? hiddenAtMs : never;
  };

  /** Refreshes where that is due; for a call, where it is due in a visible tab. Nobody waits for it. */
  const check = (isCall = false) => {
    const hidden = !isCall && isHidden();
    if (clock.now() < dueAtMs(hidden)) {
      // Calls are many and do not move the due time; showing or hiding the tab does.
      if (!isCall || timer === null) arm();
      return;
    }
    setDue(never, never);
    disarm();
    refresh({ isHidden: hidden }).catch(() => {});
  };

  const stopListening = page?.onChange(() => check());

  /** There is no session to refresh. */
  const forget = () => {
    setDue(never, never);
    expiresAtMs = -never;
    lifetimeSeconds = null;
    disarm();
  };

  return {
    /** An answer said how long the session lives. `isNew`: its token has just been handed out. */
    plan({ expiresIn, refreshIn, isNew }: { expiresIn: number; refreshIn: number; isNew: boolean }): void {
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
      const isKnown = !isNew && Math.abs(nowMs + expiresIn * 1000 - expiresAtMs) < sameExpiryMs;
      if (isKnown) {
        // The spread counts from the first answer: a page that makes calls all the time would never refresh otherwise.
        setDue(Math.min(visibleDueAtMs, visibleAtMs), Math.min(hiddenDueAtMs, hiddenAtMs));
      } else {
        expiresAtMs = nowMs + expiresIn * 1000;
        setDue(visibleAtMs, hiddenAtMs);
      }
      arm();
    },
    /** A refresh failed without ending the session: later again. */
    coolDown(retryAfterSeconds = 0): void {
      if (isDisposed) return;
      const backOffMs = spacingMs() * (0.5 + random() / 2);
      failures += 1;
      notBeforeMs = clock.now() + Math.max(backOffMs, retryAfterSeconds * 1000);
      setDue(notBeforeMs, notBeforeMs);
      arm();
    },
    forget,
    onCall: () => check(true),
    dispose(): void {
      isDisposed = true;
      forget();
      stopListening?.();
    },
  };
};

export type AheadOfTime = ReturnType<typeof createAheadOfTime>;
