import type { Clock } from './clock.ts';

/** The tab, as far as it matters when to refresh. */
export type Page = {
  isVisible: () => boolean;
  /** Calls back when the tab becomes visible, or the network comes back. Returns how to stop that. */
  onReturn: (listener: () => void) => () => void;
};

export type AheadOfTimeOptions = {
  clock: Clock;
  /** Between 0 and 1. */
  random: () => number;
  /** Null outside browsers: there only a call is reason to refresh. */
  page: Page | null;
  /** Replaces what the server says of when to refresh: seconds before expiry, at most half of the lifetime. */
  thresholdSeconds: number | null;
  refresh: () => Promise<void>;
};

/** Refreshes follow each other no faster, whatever the server answers. */
const minSpacingMs = 5_000;
const maxSpacingMs = 60_000;
/** Timers know no longer wait, and end a longer one at once. */
const maxTimerMs = 2 ** 31 - 1;

/**
 * Refreshes the session before it expires, while the tab is looked at or calls are made. It counts from when
 * the server's "in so many seconds" arrived, on a clock that only goes forward; a laptop that slept through it
 * finds out when it is looked at again, or by the answer to its next call.
 */
export const createAheadOfTime = ({ clock, random, page, thresholdSeconds, refresh }: AheadOfTimeOptions) => {
  let dueAtMs = Number.POSITIVE_INFINITY;
  let notBeforeMs = Number.NEGATIVE_INFINITY;
  /** Refreshes in a row that failed, or brought a token which was soon due again. */
  let failures = 0;
  let lifetimeSeconds: number | null = null;
  let spread = random();
  let timer: unknown = null;
  let isDisposed = false;

  const disarm = () => {
    if (timer !== null) clock.clearTimeout(timer);
    timer = null;
  };
  const arm = () => {
    disarm();
    if (page === null || dueAtMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(dueAtMs, notBeforeMs) - clock.now();
    timer = clock.setTimeout(onTimer, Math.min(Math.max(0, delayMs), maxTimerMs));
  };
  const onTimer = () => {
    timer = null;
    if (page?.isVisible()) check();
  };
  const spacingMs = () => Math.min(maxSpacingMs, minSpacingMs * 2 ** failures);

  /** Refreshes where that is due. Nobody waits for it. */
  const check = () => {
    const nowMs = clock.now();
    if (nowMs < dueAtMs || nowMs < notBeforeMs) {
      if (timer === null) arm();
      return;
    }
    dueAtMs = Number.POSITIVE_INFINITY;
    disarm();
    refresh().catch(() => {});
  };

  const stopListening = page?.onReturn(check);

  /** There is no session to refresh. */
  const forget = () => {
    dueAtMs = Number.POSITIVE_INFINITY;
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
      const askedForIn = thresholdSeconds === null ? refreshIn : expiresIn - thresholdSeconds;
      // Never before half of the lifetime, or a server that always says "now" would get what it asks for.
      const inSeconds = Math.max(0, askedForIn, lifetimeSeconds === null ? 0 : expiresIn - lifetimeSeconds / 2);
      // Spread, so that of many tabs and many people one is first.
      const jitterSeconds = spread * Math.min(30, Math.max(0, expiresIn - inSeconds) * 0.1);
      dueAtMs = nowMs + (inSeconds + jitterSeconds) * 1000;
      arm();
    },
    /** A refresh failed without ending the session: later again. */
    coolDown(retryAfterSeconds = 0): void {
      if (isDisposed) return;
      const backOffMs = spacingMs() * (0.5 + random() / 2);
      failures += 1;
      notBeforeMs = clock.now() + Math.max(backOffMs, retryAfterSeconds * 1000);
      dueAtMs = notBeforeMs;
      arm();
    },
    forget,
    check,
    dispose(): void {
      isDisposed = true;
      forget();
      stopListening?.();
    },
  };
};

export type AheadOfTime = ReturnType<typeof createAheadOfTime>;
