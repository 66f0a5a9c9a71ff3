export type RefreshTimesOptions = {
  /** Seconds until expiry. */
  expiresIn: number;
  /** Seconds after which the BFF wants the token refreshed. */
  refreshIn: number;
  /** Total lifetime in seconds. Null: this page did not see the token being issued. */
  lifetimeSeconds: number | null;
  /** Seconds before expiry; replaces `refreshIn`. Null: the BFF decides. */
  thresholdSeconds: number | null;
  /** Between 0 and 1: spreads the refreshes of many tabs and many people. */
  spread: number;
};

/** Browsers run the timers of a hidden tab up to 60 s late. 15 s remain for the request. */
const hiddenLeadSeconds = 60 + 15;
const maxSpreadSeconds = 30;
const maxHiddenSpreadSeconds = 15;

/**
 * Seconds until the refresh: for a tab that is visible or makes calls, and for a hidden tab.
 *
 * - A visible tab refreshes when the BFF says, but never before half of the lifetime: a `refreshIn` of 0 in every response
 *   would otherwise cause a loop.
 * - A hidden tab refreshes 75 to 90 s before expiry. With a lifetime under 150 s that is before half of the lifetime; the
 *   lower bound is a third of it. With a lifetime under about two minutes, a late timer may run after the expiry.
 */
export const refreshTimes = ({
  expiresIn,
  refreshIn,
  lifetimeSeconds,
  thresholdSeconds,
  spread,
}: RefreshTimesOptions) => {
  const requested = thresholdSeconds === null ? refreshIn : expiresIn - thresholdSeconds;
  const earliest = Math.max(0, requested, lifetimeSeconds === null ? 0 : expiresIn - lifetimeSeconds / 2);
  const hiddenLatest = expiresIn - Math.min(hiddenLeadSeconds, ((lifetimeSeconds ?? Number.POSITIVE_INFINITY) * 2) / 3);
  const hiddenRoom = Math.min(maxHiddenSpreadSeconds, Math.max(0, hiddenLatest - earliest));
  return {
    visibleSeconds: earliest + spread * Math.min(maxSpreadSeconds, Math.max(0, expiresIn - earliest) * 0.1),
    hiddenSeconds: Math.max(0, hiddenLatest - spread * hiddenRoom),
  };
};
