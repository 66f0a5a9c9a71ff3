import { isIP } from 'node:net';
import { Cluster, type CommonRedisOptions, Redis, type RedisOptions as IoRedisOptions } from 'ioredis';
import { parseRedisUrl, type RedisTarget } from './redis-url.ts';
import type { Log } from '../log.ts';
import { isFromReplica, toRedisCause } from './redis-errors.ts';

export type RedisOptions = {
  /** REDIS_URL, as its check admits it. */
  url: string;
  log: Log;
  /** Timeout of a command, and of a connection attempt, in milliseconds. Default 900: callers get an error within a second. */
  timeoutMs?: number | undefined;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
};

/** Milliseconds to wait for a connection to end: a dead peer never confirms it. */
const disconnectMs = 900;
/** Milliseconds that a start waits for Redis beyond the timeout of one connection attempt. */
const startMarginMs = 100;
const maxReconnectDelayMs = 1_000;
/** Milliseconds between two reconnects while the address leads to a replica: every rejected command would cause one. */
const replicaRetryMs = 1_000;
const replicaReportedEveryMs = 60_000;

/** Throws for an invalid URL. The message does not contain it. */
const redisTarget = (url: string): RedisTarget => {
  const reading = parseRedisUrl(url);
  if ('fault' in reading) throw new TypeError(`REDIS_URL: ${reading.fault}`);
  return reading.value;
};

/** Options of every connection to a target, single or in a cluster. */
const toCredentials = ({ isTls, username, password }: RedisTarget): IoRedisOptions => ({
  ...(isTls ? { tls: {} } : {}),
  ...(username === null ? {} : { username, password: password ?? '' }),
  ...(username === null && password !== null ? { password } : {}),
});

/** Options of a connection to the address of the target itself. */
export const toConnectionOptions = (target: RedisTarget): IoRedisOptions => {
  const { host, port, db, isTls } = target;
  return {
    host,
    port,
    db,
    ...toCredentials(target),
    // Node sends no server name (SNI) by default, and proxies route by it.
    ...(isTls && isIP(host) === 0 ? { tls: { servername: host } } : {}),
  };
};

/**
 * A connection to Redis that fails fast and reconnects. Commands are neither queued while Redis is down nor resent after
 * the connection broke: a delayed assignment must not take effect after its caller got an error.
 */
export const createRedis = ({ url, log, timeoutMs = 900, monotonicNow = () => performance.now() }: RedisOptions) => {
  const target = redisTarget(url);

  let failedOverAtMs = Number.NEGATIVE_INFINITY;
  let replicaReportedAtMs = Number.NEGATIVE_INFINITY;
  /** After a failover, the old primary is a replica. A new connection to the same address may reach the new primary. */
  const reconnectOnError = ({ message }: Error): 1 | false => {
    const nowMs = monotonicNow();
    if (!isFromReplica(message) || nowMs - failedOverAtMs < replicaRetryMs) return false;
    failedOverAtMs = nowMs;
    if (nowMs - replicaReportedAtMs >= replicaReportedEveryMs) {
      replicaReportedAtMs = nowMs;
      log.error(
        { cause: toRedisCause(message) },
        'REDIS_URL leads to a read-only replica, as after a failover: assignments fail. The BFF reconnects once a second. If this continues, set REDIS_URL to the primary.',
      );
    }
    return 1;
  };

  const reconnectDelay = (attempt: number) => Math.min(50 * attempt, maxReconnectDelayMs);
  const common: CommonRedisOptions & {
    enableOfflineQueue: boolean;
    autoResendUnfulfilledCommands: boolean;
    disconnectTimeout: number;
  } = {
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    connectTimeout: timeoutMs,
    disconnectTimeout: disconnectMs,
    commandTimeout: timeoutMs,
    reconnectOnError,
  };
  const redis = target.isCluster
    ? new Cluster([{ host: target.host, port: target.port }], {
        enableOfflineQueue: false,
        clusterRetryStrategy: reconnectDelay,
        slotsRefreshTimeout: timeoutMs,
        // By default, ioredis connects to the resolved IP address, which the certificate does not cover.
        ...(target.isTls ? { dnsLookup: (host, callback) => callback(null, host) } : {}),
        redisOptions: { ...common, ...toCredentials(target) },
      })
    : new Redis({ ...common, ...toConnectionOptions(target), retryStrategy: reconnectDelay });

  let isAway = false;
  let isClosed = false;
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
  // Each failed connection attempt emits an error. Without a listener, that would end the process.
  redis.on('error', ({ message }: Error) => {
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
      redis.disconnect();
    },
  };
};

export type RedisConnection = ReturnType<typeof createRedis>;
