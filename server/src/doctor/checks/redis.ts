import type { Redis } from 'ioredis';
import { createRedisClient, type RedisAccess, toServerOptions } from '../../platform/redis/redis-client.ts';
import type { RedisNode } from '../../platform/redis/redis-nodes.ts';
import { parseRedisUrl, type RedisTarget } from '../../platform/redis/redis-url.ts';
import { checkWrites } from '../../platform/redis/write-check.ts';
import { explainRedisError } from '../explain-redis-error.ts';
import { type Finding, ok, problem, warning } from '../finding.ts';
import { findRedisServer } from '../find-redis-server.ts';
import { connectionFor, openRedis, withTimeout } from '../open-redis.ts';

const name = 'REDIS_URL';

/** Runs a script, as every assignment does, and reads INFO. */
const readInfo = async (redis: Redis): Promise<string> => {
  await redis.eval('return 1', 0);
  return redis.info();
};

const assessInfo = (info: string, isCluster: boolean): Finding => {
  const fieldOf = (field: string) => new RegExp(`^${field}:([\\w.-]{1,40})\\s*$`, 'm').exec(info)?.[1] ?? null;
  const version = fieldOf('redis_version') ?? fieldOf('valkey_version') ?? 'of unknown version';
  const redis = `Redis ${version}`;
  if (fieldOf('role') === 'slave') {
    return problem(name, `${redis} is a read-only replica`, 'Set REDIS_URL to the primary');
  }
  if (isCluster !== (fieldOf('cluster_enabled') === '1')) {
    return isCluster
      ? problem(name, `${redis} is not a cluster`, 'Remove ?cluster=true from REDIS_URL')
      : problem(name, `${redis} is a cluster`, 'Add ?cluster=true to REDIS_URL');
  }
  const policy = fieldOf('maxmemory_policy') ?? 'noeviction';
  const [usedBytes, maxBytes] = [Number(fieldOf('used_memory')), Number(fieldOf('maxmemory'))];
  if (policy === 'noeviction' && maxBytes > 0 && usedBytes >= maxBytes) {
    return problem(name, `${redis} rejects writes because its memory is full`, 'Raise maxmemory of Redis');
  }
  if (fieldOf('rdb_last_bgsave_status') === 'err') {
    return warning(
      name,
      `${redis} could not save to its disk, so it rejects writes by default (stop-writes-on-bgsave-error)`,
      'Check the disk and the log of Redis',
    );
  }
  if (policy !== 'noeviction' && fieldOf('maxmemory') !== '0') {
    return warning(
      name,
      `${redis} evicts keys when its memory is full (maxmemory-policy ${policy}), so assignments and sign-outs may be lost`,
      'Set maxmemory-policy to noeviction',
    );
  }
  const loss =
    fieldOf('aof_enabled') === '0' ? ', but the latest assignments are lost when it restarts (appendonly no)' : '';
  return ok(name, `${redis} is usable${loss}`);
};

export type CheckRedisOptions = RedisAccess & {
  /** REDIS_PREFIX. */
  prefix: string;
  deadlineMs: number;
};

/** Milliseconds until a cluster that is not ready is tried again. */
const clusterRetryMs = 100;

/** Writes keys of all nodes, with a client that knows the node of each key. */
const tryCluster = async (target: RedisTarget, { prefix, deadlineMs }: CheckRedisOptions): Promise<void> => {
  const connection = connectionFor(deadlineMs);
  const cluster = createRedisClient({ target, sentinelPassword: null, connection, retryDelay: () => clusterRetryMs });
  const failed = new Promise<never>((_resolve, reject) => void cluster.on('error', reject));
  const ready = new Promise<void>((resolve) => void cluster.once('ready', resolve));
  try {
    await withTimeout(Promise.race([ready, failed]), deadlineMs);
    await checkWrites(cluster, prefix);
  } finally {
    cluster.disconnect();
  }
};

const toProblem = (error: unknown): Finding => {
  const { message, fix } = explainRedisError(error);
  return problem(name, `Redis is unusable: ${message}`, fix);
};

const checkServer = async (target: RedisTarget, node: RedisNode, options: CheckRedisOptions): Promise<Finding> => {
  try {
    await using redis = await openRedis(toServerOptions(target, node), options.deadlineMs);
    const info = await withTimeout(readInfo(redis.client), options.deadlineMs);
    const finding = assessInfo(info, target.kind === 'cluster');
    if (finding.level === 'problem') return finding;
    // A Redis that can be read may still reject writes.
    await (target.kind === 'cluster' ? tryCluster(target, options) : checkWrites(redis.client, options.prefix));
    return finding;
  } catch (error) {
    return toProblem(error);
  }
};

/** Whether Redis is reachable, runs scripts and accepts writes. Findings contain no part of the URL. */
export const checkRedis = async (options: CheckRedisOptions): Promise<Finding[]> => {
  const { url, sentinelPassword = null, deadlineMs } = options;
  const parsed = parseRedisUrl(url);
  if ('fault' in parsed) return [problem(name, parsed.fault, 'Correct it in the environment')];
  const target = parsed.value;
  const { server, findings } = await findRedisServer({ target, sentinelPassword, deadlineMs });
  return server === null ? findings : [await checkServer(target, server, options), ...findings];
};
