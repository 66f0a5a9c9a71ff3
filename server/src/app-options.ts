import type { AssignmentLimits } from './assignment/assignment-limits.ts';
import type { AccountCalls } from './auth-service/account/account-calls.ts';
import type { Sleep } from './auth-service/resilience/resilience.ts';
import type { CreateDeadline } from './auth-service/transport.ts';
import type { Config } from './config.ts';
import type { LiveLimits } from './live/live-limits.ts';
import type { Timeouts } from './http/node-server.ts';
import type { Log } from './platform/log.ts';
import type { StartTimer } from './platform/start-timer.ts';

/** Only `config` is required. The other options replace clocks, timers and limits, mostly in tests. */
export type AppOptions = {
  config: Config;
  /** Default: JSON lines on standard output at `config.logLevel`. */
  log?: Log;
  /** Milliseconds since the epoch. Default `Date.now`. */
  now?: () => number;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
  /** Creates the signal that aborts an upstream call after the given milliseconds. Default `AbortSignal.timeout`. */
  createDeadline?: CreateDeadline;
  /** Waits before an upstream call is retried. Default: a timer. */
  sleep?: Sleep;
  /** Timeout of a Redis command, and of a connection attempt, in milliseconds. Default 900. */
  redisTimeoutMs?: number;
  /** Starts the timeout after which a request continues without Redis. Default `setTimeout`. */
  startRedisTimer?: StartTimer;
  /** Starts the timer of the next comparison of keys between replicas. Default `setTimeout`. */
  startKeyTimer?: StartTimer;
  /** Starts the timer of the next check whether Redis accepts writes. Default `setTimeout`. */
  startWriteCheckTimer?: StartTimer;
  /** Starts the timer of the next read of a rotation that somebody subscribes to. Default `setTimeout`. */
  startTurnTimer?: StartTimer;
  /** Starts the timer of an answer that comes at a constant moment: that of `account.requestPasswordReset`. Default `setTimeout`. */
  startAnswerTimer?: StartTimer;
  /** Replaces some of the calls of the Auth Service about accounts. */
  accountCalls?: Partial<AccountCalls>;
  /** Starts the timer of the next probe of an Auth Service without recent calls; the first one at once. Default `setTimeout`. */
  startProbeTimer?: StartTimer;
  /** Starts the timer after which a changed log level returns to `LOG_LEVEL`. Default `setTimeout`. */
  startLogLevelTimer?: StartTimer;
  /** Milliseconds between two probes of an Auth Service that is down. Default 5,000. */
  recoveryEveryMs?: number;
  /** Milliseconds that a shutdown waits for in-flight requests. Default 10,000. */
  drainMs?: number;
  /** Milliseconds that a shutdown keeps an idle connection open, for a request that is already on its way. Default 1,000. */
  idleGraceMs?: number;
  /** Replaces some of the timeouts of requests and connections. */
  timeouts?: Partial<Timeouts>;
  /** Whether to reject calls with `overloaded`. Default: after three event-loop delays in a row of more than 500 ms. */
  isOverloaded?: () => boolean;
  /** Replaces some of the limits of `assignments.next`. */
  assignmentLimits?: Partial<AssignmentLimits>;
  /** Replaces some of the limits and intervals of subscriptions. */
  liveLimits?: Partial<LiveLimits>;
  /** Starts the timer of the next check of all subscriptions. Default `setTimeout`. */
  startLiveTimer?: StartTimer;
  /** Serves all calls with tRPC's own Fastify adapter, which behaves the same and is slower. Default false. */
  officialAdapter?: boolean;
};
