import type { Config } from '../config.ts';
import type { KeyVariable } from '../platform/replica-keys/compare-keys.ts';
import { fingerprintKeys } from '../platform/replica-keys/key-fingerprints.ts';
import { checkRedis } from './checks/redis.ts';
import { checkReplicaKeys } from './checks/replica-keys.ts';
import { type Finding, guardCheck, ok, unchecked } from './finding.ts';
import type { Faults } from './partial-config.ts';

export type RedisChecksOptions = { config: Config; faults: Faults; deadlineMs: number };

/** Each key, and the variables that determine it. */
const variablesOfKeys: Record<KeyVariable, readonly string[]> = {
  SEALING_KEY: ['SEALING_KEY', 'DJANGO_JWT_SIGNING_KEY'],
  DJANGO_JWT_SIGNING_KEY: ['DJANGO_JWT_SIGNING_KEY', 'DJANGO_JWT_SIGNING_KEY_PREVIOUS'],
};
const keyVariables = ['SEALING_KEY', 'DJANGO_JWT_SIGNING_KEY'] as const;

/** Checks Redis, and then compares keys with the running replicas if Redis is usable. */
export const runRedisChecks = async ({ config, faults, deadlineMs }: RedisChecksOptions): Promise<Finding[]> => {
  const { redisUrl: url, redisSentinelPassword: sentinelPassword, redisPrefix: prefix } = config;
  if (faults.has('REDIS_URL')) return [];
  if (url === null) {
    return [ok('REDIS_URL', 'is not set: run one replica only, whose assignments are lost when it restarts')];
  }
  const access = { url, sentinelPassword, prefix, deadlineMs };
  const redis = [await guardCheck('REDIS_URL', () => checkRedis(access))].flat();
  if (faults.has('REDIS_PREFIX')) return [...redis, unchecked('replicas', 'REDIS_PREFIX is invalid')];
  if (redis.some(({ level }) => level === 'problem')) return [...redis, unchecked('replicas', 'Redis is unusable')];
  const variables = keyVariables.filter((key) => !variablesOfKeys[key].some((variable) => faults.has(variable)));
  const keys = fingerprintKeys(config);
  const replicas = await guardCheck('replicas', () => checkReplicaKeys({ ...access, keys, variables }));
  return [...redis, replicas].flat();
};
