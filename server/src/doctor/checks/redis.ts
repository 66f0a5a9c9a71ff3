import { Redis } from 'ioredis';
import { parseRedisUrl } from '../../platform/redis/redis-url.ts';
import { toConnectionOptions } from '../../platform/redis/redis.ts';
import { explainRedisError } from '../explain-redis-error.ts';
import { type Finding, ok, problem, warning } from '../finding.ts';

const name = 'REDIS_URL';

/** Connects, runs a script, as every assignment does, and reads INFO. */
const readInfo = async (redis: Redis): Promise<string> => {
  const failed = new Promise<never>((_resolve, reject) => void redis.once('error', reject));
  const ready = new Promise<void>((resolve) => void redis.once('ready', resolve));
  // The error event has a better description of the same failure.
  redis.connect().catch(() => {});
  await Promise.race([ready, failed]);
  await redis.eval('return 1', 0);
  return redis.info();
};

const withTimeout = async <Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), timeoutMs);
  });
  try {
    return await Promise.race([promise, timedOut]);
  } finally {
    clearTimeout(timer);
  }
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

export type CheckRedisOptions = { url: string; deadlineMs: number };

/** Whether Redis is reachable, accepts writes and runs scripts. Findings contain no part of the URL. */
export const checkRedis = async ({ url, deadlineMs }: CheckRedisOptions): Promise<Finding> => {
  const parsed = parseRedisUrl(url);
  if ('fault' in parsed) return problem(name, parsed.fault, 'Correct it in the environment');
  const target = parsed.value;
  const redis = new Redis({
    ...toConnectionOptions(target),
    lazyConnect: true,
    connectTimeout: deadlineMs,
    commandTimeout: deadlineMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => null,
  });
  // Without a listener, a second error event would end the process.
  redis.on('error', () => {});
  try {
    return assessInfo(await withTimeout(readInfo(redis), deadlineMs), target.isCluster);
  } catch (error) {
    const { message, fix } = explainRedisError(error);
    return problem(name, `Redis is unusable: ${message}`, fix);
  } finally {
    redis.disconnect();
  }
};
