import { createRedis } from '../../platform/redis/redis.ts';
import type { RedisAccess } from '../../platform/redis/redis-client.ts';
import { compareKeys, type KeyComparison, type KeyVariable } from '../../platform/replica-keys/compare-keys.ts';
import type { KeyFingerprints } from '../../platform/replica-keys/key-fingerprints.ts';
import { createKeyRegistry } from '../../platform/replica-keys/key-registry.ts';
import { type Finding, ok, problem, unchecked, warning } from '../finding.ts';

const name = 'replicas';

const toFinding = ({ variable, agreement, replicas, differing }: KeyComparison): Finding => {
  const differs = `differs from the key of ${differing} of ${replicas} running replicas`;
  if (agreement === 'same') return ok(variable, `is the key of all ${replicas} running replicas`);
  if (agreement === 'changing') {
    return warning(
      variable,
      `${differs}, as is normal during a key change`,
      'Restart the replicas that lack the new key before the Auth Service signs with it',
    );
  }
  if (variable === 'SEALING_KEY') {
    return problem(
      variable,
      `${differs}, so replicas do not see each other's sign-outs and refreshes`,
      'Set SEALING_KEY to the same value in all replicas, or give each environment its own REDIS_PREFIX',
    );
  }
  return problem(
    variable,
    `${differs}, and replicas reject tokens that were signed with the other key`,
    "Set it to the Auth Service's DJANGO_JWT_SIGNING_KEY in all replicas, or give each environment its own REDIS_PREFIX",
  );
};

const noLog = () => {};
const silentLog = { debug: noLog, info: noLog, warn: noLog, error: noLog, fatal: noLog };

export type CheckReplicaKeysOptions = RedisAccess & {
  /** REDIS_PREFIX. */
  prefix: string;
  /** Keys of this environment. */
  keys: KeyFingerprints;
  /** Variables to compare. */
  variables: readonly KeyVariable[];
  /** Milliseconds per Redis command. */
  deadlineMs: number;
};

/** Compares the keys of this environment with those of the replicas that share this Redis. Read-only. */
export const checkReplicaKeys = async (options: CheckReplicaKeysOptions): Promise<Finding[]> => {
  const { url, sentinelPassword, prefix, keys, variables, deadlineMs } = options;
  const connection = createRedis({ url, sentinelPassword, log: silentLog, timeoutMs: deadlineMs });
  try {
    await connection.untilReady();
    const replicas = await createKeyRegistry({ redis: connection.redis, prefix }).list();
    if (replicas.length === 0)
      return [ok(name, 'no replica is running with this Redis and REDIS_PREFIX, so there are no keys to compare')];
    return compareKeys(keys, replicas)
      .filter(({ variable, replicas: compared }) => variables.includes(variable) && compared > 0)
      .map(toFinding);
  } catch {
    return [unchecked(name, 'Redis did not return the list of replicas')];
  } finally {
    connection.close();
  }
};
