import { isIP } from 'node:net';
import { Cluster, type CommonRedisOptions, Redis, type RedisOptions as IoRedisOptions } from 'ioredis';
import { readRedisUrl, type RedisTarget } from '../../config/redis-url.ts';
import type { Log } from '../log.ts';
import { isFromReplica, toRedisCause } from './redis-errors.ts';

export type RedisOptions = {
  /** REDIS_URL, as its check admits it. */
  url: string;
  log: Log;
  /**
   * Milliseconds that a command may take, and a connection. Default 900: whoever waits for one is told within a second
   * that the store is away.
   */
  timeoutMs?: number | undefined;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
};

/** How long the end of a connection is waited for: of a peer that is gone none comes back. */
const disconnectMs = 900;
/** How much longer than one connection a start waits for Redis. */
const startMarginMs = 100;
const maxReconnectDelayMs = 1_000;
/** A replica that stays one is left alone for so long, rather than with every command. */
const replicaRetryMs = 1_000;
const replicaToldEveryMs = 60_000;

/** Where REDIS_URL leads. Throws for one that its check does not admit, without its value. */
const redisTarget = (url: string): RedisTarget => {
  const reading = readRedisUrl(url);
  if ('fault' in reading) throw new TypeError(`REDIS_URL: ${reading.fault}`);
  return reading.value;
};

/** What every connection to a target has, whether alone or as one of a cluster. */
const toCredentials = ({ isTls, username, password }: RedisTarget): IoRedisOptions => ({
  ...(isTls ? { tls: {} } : {}),
  ...(username === null ? {} : { username, password: password ?? '' }),
  ...(username === null && password !== null ? { password } : {}),
});

/** The options of one connection to the address of a target itself. */
export const toConnectionOptions = (target: RedisTarget): IoRedisOptions => {
  const { host, port, db, isTls } = target;
  return {
    host,
    port,
    db,
    ...toCredentials(target),
    // Node names the server of its own accord in no TLS handshake, and proxies route by that name.
    ...(isTls && isIP(host) === 0 ? { tls: { servername: host } } : {}),
  };
};

/**
 * A connection to Redis that fails fast and mends itself. Nothing is queued while it is away, and nothing is sent
 * again after it broke: a turn that nobody waits for any more must not be taken later.
 */
export const createRedis = ({ url, log, timeoutMs = 900, monotonicNow = () => performance.now() }: RedisOptions) => {
  const target = redisTarget(url);

  let failedOverAtMs = Number.NEGATIVE_INFINITY;
  let replicaToldAtMs = Number.NEGATIVE_INFINITY;
  /** A replica that was the master before a failover: the same address may lead to the new one on a new connection. */
  const reconnectOnError = ({ message }: Error): 1 | false => {
    const nowMs = monotonicNow();
    if (!isFromReplica(message) || nowMs - failedOverAtMs < replicaRetryMs) return false;
    failedOverAtMs = nowMs;
    if (nowMs - replicaToldAtMs >= replicaToldEveryMs) {
      replicaToldAtMs = nowMs;
      log.error(
        { cause: toRedisCause(message) },
        'REDIS_URL leads to a replica, as after a failover: turns are refused. The BFF connects again once a second; if it goes on, set REDIS_URL to the primary.',
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
        // ioredis would connect to the address that it looks up, for which the certificate is not made.
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
      'Redis is away: turns are refused until it is back; refreshes, sign-outs and limits go on in this process alone.',
    );
  };
  /** Not while it connects anew by itself after a failover, which was told already. If that fails, an error follows. */
  const noteAway = (cause: string) => {
    if (monotonicNow() - failedOverAtMs >= replicaRetryMs) markAway(cause);
  };
  // Without a listener an error would end the process; each failed attempt to connect is one.
  redis.on('error', ({ message }: Error) => {
    if (!/DB index is out of range|SELECT is not allowed/.test(message)) return markAway(toRedisCause(message));
    // The connection goes on all the same, with database 0.
    log.error(
      { cause: message },
      'REDIS_URL has the number of a database that Redis does not have: database 0 is used. Correct the number, or the setting `databases` of Redis.',
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

    /** For who finds out that it does not answer, though it is connected; and that it does again. */
    noteAway,
    noteBack,
    noteRefusal: (cause: string): void =>
      log.error({ cause }, 'Redis refuses what it is asked: each process does without that, in what they share.'),

    /** Resolves once Redis can be asked, or soon after `timeoutMs` where it is away: it will be back by itself. */
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

    /** Ends the connection, which is no reason for a line in the log. */
    close(): void {
      isClosed = true;
      redis.disconnect();
    },
  };
};

export type RedisConnection = ReturnType<typeof createRedis>;
