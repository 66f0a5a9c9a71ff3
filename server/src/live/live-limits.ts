/** Limits and intervals of subscriptions. */
export type LiveLimits = {
  /** The most open subscriptions of one person, or of one service. */
  perCaller: number;
  /** The most open subscriptions of this process. */
  perProcess: number;
  /** Milliseconds without an event after which a ping is sent. */
  pingMs: number;
  /** Milliseconds after which a client that reads nothing is disconnected. */
  unreadMs: number;
  /** Milliseconds between two checks of all streams: expiry, pings, unread clients. */
  sweepMs: number;
  /** Milliseconds between two lookups in Redis of whether a session was signed out. Messages between replicas can be lost. */
  recheckMs: number;
};

export const defaultLiveLimits: LiveLimits = {
  perCaller: 10,
  perProcess: 2_000,
  pingMs: 15_000,
  unreadMs: 60_000,
  sweepMs: 1_000,
  recheckMs: 20_000,
};

/**
 * Milliseconds without an event or a ping after which a client takes its connection for dead. Two pings and the interval of
 * the sweep fit in.
 */
export const reconnectAfterInactivityMs = 40_000;
