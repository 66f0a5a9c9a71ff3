import { isIP } from 'node:net';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import type { RedisNode } from './redis-nodes.ts';
import { createRedisTls } from './redis-tls.ts';
import { parseRedisUrl, type RedisTarget } from './redis-url.ts';

/** How to reach Redis. */
export type RedisAccess = {
  /** REDIS_URL, as its check admits it. */
  url: string;
  /** REDIS_SENTINEL_PASSWORD. Default: the sentinels require none. */
  sentinelPassword?: string | null | undefined;
};

export type RedisClientOptions = {
  target: RedisTarget;
  sentinelPassword: string | null;
  /** Options of every connection to a server. */
  connection: RedisOptions & { connectTimeout: number };
  /** Milliseconds until the next attempt to connect. */
  retryDelay: (attempt: number) => number;
};

/**
 * Longest time that a sentinel may take to connect and answer, in milliseconds. The client asks them one after the other,
 * and a host that failed often takes its sentinel with it.
 */
export const sentinelTimeoutMs = 400;

/** Throws for an invalid URL. The message does not contain it. */
export const toRedisTarget = (url: string): RedisTarget => {
  const parsed = parseRedisUrl(url);
  if ('fault' in parsed) throw new TypeError(`REDIS_URL: ${parsed.fault}`);
  return parsed.value;
};

/** TLS options, for a connection to this host if it is known in advance. Throws if a file is faulty. */
const toTls = ({ isTls, tlsFiles }: RedisTarget, host: string | null): Pick<RedisOptions, 'tls'> =>
  isTls
    ? { tls: createRedisTls({ files: tlsFiles, servername: host === null || isIP(host) !== 0 ? undefined : host }) }
    : {};

const toCredentials = ({ username, password }: RedisTarget): RedisOptions => ({
  ...(username === null ? {} : { username, password: password ?? '' }),
  ...(username === null && password !== null ? { password } : {}),
});

/** Options of a connection to one server. */
export const toServerOptions = (target: RedisTarget, { host, port }: RedisNode): RedisOptions => ({
  host,
  port,
  db: target.db,
  ...toCredentials(target),
  ...toTls(target, host),
});

/** Options of a connection to one sentinel. */
export const toSentinelOptions = (
  target: RedisTarget,
  { host, port }: RedisNode,
  sentinelPassword: string | null,
): RedisOptions => ({
  host,
  port,
  ...(sentinelPassword === null ? {} : { password: sentinelPassword }),
  ...toTls(target, host),
});

const createSentinelClient = (options: RedisClientOptions): Redis => {
  const { target, sentinelPassword, connection, retryDelay } = options;
  const { tls } = toTls(target, null);
  return new Redis({
    ...connection,
    sentinels: target.nodes.map((node) => ({ ...node })),
    name: target.primaryName ?? '',
    db: target.db,
    ...toCredentials(target),
    ...(sentinelPassword === null ? {} : { sentinelPassword }),
    ...(tls === undefined ? {} : { tls, sentinelTLS: tls, enableTLSForSentinelMode: true }),
    sentinelCommandTimeout: Math.min(sentinelTimeoutMs, connection.connectTimeout),
    sentinelRetryStrategy: retryDelay,
    // Sentinels may report addresses at which this process does not reach them.
    updateSentinels: false,
    retryStrategy: retryDelay,
  });
};

/** The client for a target. Connects at once. Throws if a file for TLS is faulty. */
export const createRedisClient = (options: RedisClientOptions): Redis | Cluster => {
  const { target, connection, retryDelay } = options;
  if (target.kind === 'sentinel') return createSentinelClient(options);
  if (target.kind === 'single') {
    const [node = { host: 'localhost', port: 6379 }] = target.nodes;
    return new Redis({ ...connection, ...toServerOptions(target, node), retryStrategy: retryDelay });
  }
  return new Cluster(
    target.nodes.map((node) => ({ ...node })),
    {
      enableOfflineQueue: false,
      clusterRetryStrategy: retryDelay,
      slotsRefreshTimeout: connection.connectTimeout,
      // By default, ioredis connects to the resolved IP address, which the certificate does not cover.
      ...(target.isTls ? { dnsLookup: (host, callback) => callback(null, host) } : {}),
      redisOptions: { ...connection, ...toCredentials(target), ...toTls(target, null) },
    },
  );
};
