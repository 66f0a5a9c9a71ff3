import { isIP } from 'node:net';
import type { Redis, RedisOptions as IoRedisOptions } from 'ioredis';
import type { Log } from '../log.ts';
import { createRedisClient, type RedisAccess, toRedisTarget } from './redis-client.ts';
import { isFromReplica, mayRefuseWrites, toRedisCause } from './redis-errors.ts';
import type { RedisNode } from './redis-nodes.ts';
import { createSentinelWatch } from './sentinel-watch.ts';

export type RedisOptions = RedisAccess & {
  log: Log;
  /** Timeout of a command, and of a connection attempt, in milliseconds. Default 900: callers get an error within a second. */
  timeoutMs?: number | undefined;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
  /** Called when an error reply says that Redis may reject all writes. */
  onRefusal?: (() => void) | undefined;
};

/** Milliseconds to wait for a connection to end: a dead peer never confirms it. */
const disconnectMs = 900;
/** Milliseconds that a start waits for Redis beyond the timeout of one connection attempt. */
const startMarginMs = 100;
const maxReconnectDelayMs = 1_000;
/** Milliseconds between two reconnects while the address leads to a replica: every rejected command would cause one. */
const replicaRetryMs = 1_000;
const replicaReportedEveryMs = 60_000;

/** Host names cannot be compared, so that a new primary with a name is one to connect to. */
const isConnectedTo = ({ stream }: Redis, { host, port }: RedisNode): boolean =>
  isIP(host) !== 0 && stream.remoteAddress === host && stream.remotePort === port;

/**
 * A connection to Redis that fails fast and reconnects. Commands are neither queued while Redis is down nor resent after
 * the connection broke: a delayed assignment must not take effect after its caller got an error.
 */
export const createRedis = (options: RedisOptions) => {
  const { url, sentinelPassword = null, log, timeoutMs = 900, monotonicNow = () => performance.now() } = options;
  const target = toRedisTarget(url);

  let isClosed = false;
  let failedOverAtMs = Number.NEGATIVE_INFINITY;
  let replicaReportedAtMs = Number.NEGATIVE_INFINITY;
  /** After a failover, the old primary is a replica. A new connection to the same address may reach the new primary. */
  const reconnectOnError = ({ message }: Error): 1 | false => {
    if (mayRefuseWrites(message)) options.onRefusal?.();
    const nowMs = monotonicNow();
    if (!isFromReplica(message) || nowMs - failedOverAtMs < replicaRetryMs) return false;
    failedOverAtMs = nowMs;
    if (nowMs - replicaReportedAtMs >= replicaReportedEveryMs) {
      replicaReportedAtMs = nowMs;
      log.error(
        { cause: toRedisCause(message) },
        'REDIS_URL leads to a read-only replica, as after a failover: assignments fail. The BFF reconnects once a second. If this continues, set REDIS_URL to the primary, or check the sentinels.',
      );
    }
    return 1;
  };

  const reconnectDelay = (attempt: number) => Math.min(50 * attempt, maxReconnectDelayMs);
  const connection = {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: timeoutMs,
    disconnectTimeout: disconnectMs,
    commandTimeout: timeoutMs,
    reconnectOnError,
  } satisfies IoRedisOptions;
  const redis = createRedisClient({ target, sentinelPassword, connection, retryDelay: reconnectDelay });

  let isAway = false;
  const markAway = (cause: string) => {
    if (isAway || isClosed) return;
    isAway = true;
    log.error(
      { cause },
      'Redis is down: assignments fail until it is back. Each replica handles refreshes, sign-outs and rate limits on its own. Check Redis and REDIS_URL; the BFF reconnects automatically.',
    );
  };
  /** Not during the reconnect after a failover, which is already logged. If the reconnect fails, an error follows. */
  const noteAway = (cause: string) => {
    if (monotonicNow() - failedOverAtMs >= replicaRetryMs) markAway(cause);
  };
  let sentinelCause = 'no sentinel answered';
  redis.on('sentinelError', ({ message }: Error) => {
    // The client reports this for each sentinel that it asked.
    sentinelCause = message.endsWith('invalid reply: null')
      ? 'the sentinels know no primary of the name in REDIS_URL'
      : toRedisCause(message);
  });
  // Each failed connection attempt emits an error. Without a listener, that would end the process.
  redis.on('error', ({ message }: Error) => {
    if (message.startsWith('All sentinels are unreachable')) return markAway(sentinelCause);
    if (!/DB index is out of range|SELECT is not allowed/.test(message)) return markAway(toRedisCause(message));
    // The connection continues with database 0.
    log.error(
      { cause: message },
      'Redis does not have the database number in REDIS_URL, and uses database 0. Correct the number, or the setting `databases` of Redis.',
    );
  });
  redis.on('close', () => noteAway('the connection ended'));
  const noteBack = () => {
    if (isAway) log.info({}, 'Redis is back.');
    isAway = false;
  };
  redis.on('ready', noteBack);

  /** A new primary that was reported while there was no connection. */
  let unseenPrimary: RedisNode | null = null;
  const leaveOldPrimary = (primary: RedisNode) => {
    if (redis.status !== 'ready') {
      unseenPrimary = primary;
      return;
    }
    if (isConnectedTo(redis as Redis, primary)) return;
    log.info({}, 'The sentinels report a new primary of Redis. The BFF connects to it.');
    redis.disconnect(true);
    // A primary that hangs would not confirm the end.
    (redis as Redis).stream.destroy();
  };
  const watch =
    target.kind === 'sentinel' ? createSentinelWatch({ target, sentinelPassword, onSwitch: leaveOldPrimary }) : null;
  redis.on('ready', () => {
    const primary = unseenPrimary;
    unseenPrimary = null;
    if (primary !== null) leaveOldPrimary(primary);
  });
  return {
    redis,
    state: (): 'up' | 'away' => (redis.status === 'ready' && !isAway ? 'up' : 'away'),

    /** For callers that detect that Redis hangs although it is connected, and that it responds again. */
    noteAway,
    noteBack,
    noteRejection: (cause: string): void =>
      log.error(
        { cause },
        'Redis rejected a command: replicas fall back to local state. If `cause` is OOM, raise maxmemory or free memory; if it is NOPERM, grant the Redis user the command.',
      ),

    /** Resolves once Redis is ready, or soon after `timeoutMs`. */
    untilReady: (): Promise<void> =>
      new Promise((resolve) => {
        if (redis.status === 'ready') return resolve();
        const timer = setTimeout(done, timeoutMs + startMarginMs);
        function done() {
          clearTimeout(timer);
          redis.off('ready', done);
          resolve();
        }
        redis.on('ready', done);
      }),

    /** Ends the connection without logging it. */
    close(): void {
      isClosed = true;
      watch?.close();
      redis.disconnect();
    },
  };
};

export type RedisConnection = ReturnType<typeof createRedis>;
