export type RefreshTimesOptions = {
  /** Seconds that the token still lives, and after which the server wants it refreshed. */
  expiresIn: number;
  refreshIn: number;
  /** Seconds that the token lives in all. Null: this page has not seen it handed out. */
  lifetimeSeconds: number | null;
  /** Replaces `refreshIn`: seconds before expiry. Null: the server decides. */
  thresholdSeconds: number | null;
  /** Between 0 and 1: spreads the refreshes of many tabs and many people. */
  spread: number;
};

/** Browsers run the timers of a hidden tab up to a minute late; the rest is for the request. */
const hiddenLeadSeconds = 60 + 15;
const maxSpreadSeconds = 30;
const maxHiddenSpreadSeconds = 15;

/**
 * Seconds from now until the refresh: of a tab that is visible or makes calls, and of a hidden tab, which needs a fresh
 * token only to stay signed in.
 *
 * A visible tab refreshes when the server says, never before half of the lifetime: a server that always says "now"
 * would get a loop. A hidden tab refreshes 75 to 90 s before expiry. That is before half of the lifetime for tokens that
 * live less than 150 s; the lower bound is a third of the lifetime. Tokens that live less than about two minutes may
 * expire before a late timer runs, and nothing in the page can prevent that.
 */
export const refreshTimes = ({
  expiresIn,
  refreshIn,
  lifetimeSeconds,
  thresholdSeconds,
  spread,
}: RefreshTimesOptions) => {
  const askedFor = thresholdSeconds === null ? refreshIn : expiresIn - thresholdSeconds;
  const earliest = Math.max(0, askedFor, lifetimeSeconds === null ? 0 : expiresIn - lifetimeSeconds / 2);
  const hiddenLatest = expiresIn - Math.min(hiddenLeadSeconds, ((lifetimeSeconds ?? Number.POSITIVE_INFINITY) * 2) / 3);
  const hiddenRoom = Math.min(maxHiddenSpreadSeconds, Math.max(0, hiddenLatest - earliest));
  return {
    visibleSeconds: earliest + spread * Math.min(maxSpreadSeconds, Math.max(0, expiresIn - earliest) * 0.1),
    hiddenSeconds: Math.max(0, hiddenLatest - spread * hiddenRoom),
  };
};
