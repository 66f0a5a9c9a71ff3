import type { Cluster, Redis } from 'ioredis';
import { toRedisCause } from './redis-errors.ts';
import { type StartTimer, startSystemTimer } from '../start-timer.ts';
import { createWriteBatching } from './write-batching.ts';

export type RedisGuardOptions = {
  redis: Redis | Cluster;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: (() => number) | undefined;
  /** Starts the timeout of a command. Default `setTimeout`. */
  startTimer?: StartTimer | undefined;
  /** Timeout of a command in milliseconds. Critical commands get four times as long. Default 250. */
  timeoutMs?: number;
  /** Milliseconds between two attempts during an outage. Default 1,000. */
  retryEveryMs?: number;
  /** Called with the cause of each command that got no reply. */
  onOutage?: ((cause: string) => void) | undefined;
  /** Called at the first reply after an outage. */
  onRecovery?: (() => void) | undefined;
  /** Called with the error of a rejected command, at most once a minute. */
  onRejected?: ((cause: string) => void) | undefined;
};

/** Outage after which the connection is replaced: TCP detects a dead peer only after about 15 minutes. */
const reconnectAfterMs = 5_000;
const rejectionsReportedEveryMs = 60_000;
const criticalTimeoutFactor = 4;

type Outage = { sinceMs: number; retryAtMs: number; isRetrying: boolean };

/**
 * Redis for callers that can work without it: the result is null, soon, if Redis is down or hangs. During an outage, one
 * caller a second retries, and all others get null at once. If Redis rejects a command (it is full or read-only), only
 * that result is null: other commands still work.
 */
export const createRedisGuard = (options: RedisGuardOptions) => {
  const { redis, monotonicNow = () => performance.now(), timeoutMs = 250, retryEveryMs = 1_000 } = options;
  const { startTimer = startSystemTimer, onOutage, onRecovery, onRejected } = options;
  const writeAtEndOfTurn = createWriteBatching(redis);
  let outage: Outage | null = null;
  let rejectionReportedAtMs = Number.NEGATIVE_INFINITY;

  const noteOutage = (cause: string) => {
    const nowMs = monotonicNow();
    outage = { sinceMs: outage?.sinceMs ?? nowMs, retryAtMs: nowMs + retryEveryMs, isRetrying: false };
    onOutage?.(cause);
    if (redis.status === 'ready' && nowMs - outage.sinceMs >= reconnectAfterMs) {
      outage.sinceMs = nowMs;
      redis.disconnect(true);
    }
  };

  const noteReply = () => {
    if (outage !== null) onRecovery?.();
    outage = null;
  };

  const noteRejection = (cause: string) => {
    // An error reply is a reply, too.
    noteReply();
    if (monotonicNow() - rejectionReportedAtMs < rejectionsReportedEveryMs) return;
    rejectionReportedAtMs = monotonicNow();
    onRejected?.(cause);
  };

  const noteFailure = ({ name, message }: Error) => {
    if (name === 'ReplyError') noteRejection(toRedisCause(message));
    else noteOutage(toRedisCause(message));
  };

  /** During an outage, admits the first caller after `retryEveryMs`. */
  const admit = (): boolean => {
    if (outage === null) return true;
    if (outage.isRetrying || monotonicNow() < outage.retryAtMs) return false;
    outage.isRetrying = true;
    return true;
  };

  /** Commands of one round trip: one admission and one timeout for all, and a result for each. */
  const openRoundTrip = (critical: boolean) => {
    const roundTripTimeoutMs = critical ? criticalTimeoutFactor * timeoutMs : timeoutMs;
    let isAdmitted: boolean | null = null;
    /** Resolves each command that has no reply yet to null. */
    const pending = new Set<() => void>();
    let cancelTimer = () => {};

    const onTimeout = () => {
      if (pending.size === 0) return;
      noteOutage(`no answer within ${roundTripTimeoutMs} ms`);
      for (const resolveNull of pending) resolveNull();
      pending.clear();
    };
    /** The timeout starts when the commands are written, so that only the time of Redis counts. */
    const startTimeout = () => {
      // The extra turn reads replies that arrived while this process was too busy to read them.
      if (pending.size > 0) cancelTimer = startTimer(() => setImmediate(onTimeout), roundTripTimeoutMs);
    };
    const admitOnce = (): boolean => {
      if (isAdmitted === null) {
        isAdmitted = critical || admit();
        if (isAdmitted) writeAtEndOfTurn(startTimeout);
      }
      return isAdmitted;
    };

    return <Reply>(command: () => Promise<Reply>): Promise<Reply | null> =>
      new Promise((resolve) => {
        const resolveNull = () => resolve(null);
        if (!admitOnce()) return resolveNull();
        const settle = (note: () => void, reply: Reply | null) => {
          if (!pending.delete(resolveNull)) return;
          if (pending.size === 0) cancelTimer();
          note();
          resolve(reply);
        };
        const fail = (error: Error) => settle(() => noteFailure(error), null);
        pending.add(resolveNull);
        try {
          command().then((reply) => settle(noteReply, reply), fail);
        } catch (error) {
          // A closed client throws instead of rejecting.
          fail(error as Error);
        }
      });
  };
  type RoundTrip = ReturnType<typeof openRoundTrip>;
  /** Set while `together` runs. */
  let shared: RoundTrip | null = null;

  /**
   * Runs a command. Null: no reply, or rejected. Never rejects. A `critical` command is sent even during an outage and has
   * four times the timeout, for cases in which continuing without a reply may cost a session.
   */
  const ask = <Reply extends object | string | number>(
    command: () => Promise<Reply>,
    { critical = false }: { critical?: boolean } = {},
  ): Promise<Reply | null> => (critical || shared === null ? openRoundTrip(critical) : shared)(command);

  return {
    redis,
    ask,
    /** Runs all commands that `start` asks synchronously in one round trip. Each has its own result. */
    together<Result>(start: () => Result): Result {
      const outer = shared;
      shared = openRoundTrip(false);
      try {
        return start();
      } finally {
        shared = outer;
      }
    },
    /** During an outage, checks whether Redis is back, for a process that has no traffic. */
    probe(): void {
      if (outage !== null) void ask(() => redis.ping());
    },
  };
};

export type RedisGuard = ReturnType<typeof createRedisGuard>;
