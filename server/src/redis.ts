import { Cluster, type CommonRedisOptions, Redis } from 'ioredis';
import type { Log } from './log.ts';

export type RedisOptions = {
  /** `redis://` or `rediss://`; with `?cluster=true` the address of one node of a cluster. */
  url: string;
  log: Log;
  /**
   * Milliseconds that a command may take, and a connection. Default 900: whoever waits for one is told within a second
   * that the store is away.
   */
  timeoutMs?: number | undefined;
};

/** How long the end of a connection is waited for: of a peer that is gone none comes back. */
const disconnectMs = 900;
/** How much longer than one connection a start waits for Redis. */
const startMarginMs = 100;
const maxReconnectDelayMs = 1_000;

/**
 * A connection to Redis that fails fast and mends itself. Nothing is queued while it is away, and nothing is sent
 * again after it broke: a turn that nobody waits for any more must not be taken later.
 */
export const createRedis = ({ url, log, timeoutMs = 900 }: RedisOptions) => {
  const address = new URL(url);
  const isCluster = address.searchParams.get('cluster') === 'true';
  address.search = '';

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
    // A replica that was the master before a failover.
    reconnectOnError: (error) => (error.message.startsWith('READONLY') ? 1 : false),
  };
  const redis = isCluster
    ? new Cluster([{ host: address.hostname, port: Number(address.port || 6379) }], {
        enableOfflineQueue: false,
        clusterRetryStrategy: reconnectDelay,
        slotsRefreshTimeout: timeoutMs,
        redisOptions: {
          ...common,
          ...(address.protocol === 'rediss:' ? { tls: {} } : {}),
          ...(address.username === '' ? {} : { username: decodeURIComponent(address.username) }),
          ...(address.password === '' ? {} : { password: decodeURIComponent(address.password) }),
        },
      })
    : new Redis(address.href, { ...common, retryStrategy: reconnectDelay });

  let isAway = false;
  let isClosed = false;
  const noteAway = (cause: string) => {
    if (isAway || isClosed) return;
    isAway = true;
    log.error(
      { cause },
      'Redis is away: turns are refused until it is back; refreshes, sign-outs and limits go on in this process alone.',
    );
  };
  // Without a listener an error would end the process; each failed attempt to connect is one.
  redis.on('error', (error: Error) => noteAway(error.message));
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
