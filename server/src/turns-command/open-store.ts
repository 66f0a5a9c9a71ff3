import type { AssignmentStore } from '../assignment/assignment-store.ts';
import { createRedisStore } from '../assignment/redis/redis-store.ts';
import type { Config } from '../config.ts';
import { runRedisChecks } from '../doctor/redis-checks.ts';
import type { Log } from '../platform/log.ts';
import { createRedis } from '../platform/redis/redis.ts';
import { TurnsCommandError } from './turns-command-error.ts';

export type OpenStoreOptions = { config: Config; log: Log };

const deadlineMs = 5_000;

const noRedis = `REDIS_URL is not set. Without Redis, turns are in the memory of the running process, which this command cannot reach.
Run it with the environment of the service, including REDIS_URL; or call assignments.rotation and assignments.reset.`;

/** The store of turns in Redis. Throws `TurnsCommandError` if there is none, or if the running replicas have other keys. */
export const openStore = async ({
  config,
  log,
}: OpenStoreOptions): Promise<AssignmentStore & { close: () => void }> => {
  const { redisUrl: url, redisSentinelPassword: sentinelPassword, redisPrefix: prefix, sealingSecret } = config;
  if (url === null) throw new TurnsCommandError(noRedis);
  // With another SEALING_KEY than the replicas, every rotation would look empty.
  const findings = await runRedisChecks({ config, faults: new Map(), deadlineMs });
  const problems = findings.filter(({ name, level }) => level === 'problem' && name !== 'DJANGO_JWT_SIGNING_KEY');
  if (problems.length > 0) {
    throw new TurnsCommandError(problems.map(({ name, message, fix }) => `${name} ${message}. ${fix}.`).join('\n'));
  }
  const connection = createRedis({ url, sentinelPassword, log, timeoutMs: deadlineMs });
  await connection.untilReady();
  const store = createRedisStore({ redis: connection.redis, prefix, sealingSecret });
  return { ...store, close: connection.close };
};
