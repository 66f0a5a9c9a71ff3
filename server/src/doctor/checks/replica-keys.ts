import { createRedis } from '../../platform/redis/redis.ts';
import { compareKeys, type KeyComparison, type KeyVariable } from '../../platform/replica-keys/compare-keys.ts';
import type { KeyFingerprints } from '../../platform/replica-keys/key-fingerprints.ts';
import { createKeyRegistry } from '../../platform/replica-keys/key-registry.ts';
import { type Finding, ok, problem, unchecked, warning } from '../finding.ts';

const name = 'replicas';

const toFinding = ({ variable, agreement, replicas, differing }: KeyComparison): Finding => {
  const differs = `differs from that of ${differing} of ${replicas} running replicas`;
  if (agreement === 'same') return ok(variable, `is that of all ${replicas} running replicas`);
  if (agreement === 'changing') {
    return warning(
      variable,
      `${differs}, as during a key change`,
      'Restart the replicas that do not have the new key before the Auth Service signs with it',
    );
  }
  return variable === 'SEALING_KEY'
    ? problem(
        variable,
        `${differs}, so that they do not find each other's sign-outs and refreshes`,
        'Set SEALING_KEY to one value in all replicas, or give each environment its own REDIS_PREFIX',
      )
    : problem(
        variable,
        `${differs}, and neither accepts the other key`,
        "Set it to the Auth Service's DJANGO_JWT_SIGNING_KEY in all replicas, or give each environment its own REDIS_PREFIX",
      );
};

const noLog = () => {};
const silentLog = { debug: noLog, info: noLog, warn: noLog, error: noLog, fatal: noLog };

export type CheckReplicaKeysOptions = {
  /** REDIS_URL, as its check admits it. */
  url: string;
  /** REDIS_PREFIX. */
  prefix: string;
  /** The keys of the environment. */
  keys: KeyFingerprints;
  /** Variables that are not at fault. */
  variables: readonly KeyVariable[];
  /** Milliseconds that Redis may take. */
  deadlineMs: number;
};

/** Compares the keys of the environment with those of the replicas that run over this Redis. Changes nothing there. */
export const checkReplicaKeys = async (options: CheckReplicaKeysOptions): Promise<Finding[]> => {
  const { url, prefix, keys, variables, deadlineMs } = options;
  const connection = createRedis({ url, log: silentLog, timeoutMs: deadlineMs });
  try {
    await connection.untilReady();
    const replicas = await createKeyRegistry({ redis: connection.redis, prefix }).list();
    if (replicas.length === 0) return [ok(name, 'none runs over this Redis and REDIS_PREFIX, to compare keys with')];
    return compareKeys(keys, replicas)
      .filter(({ variable, replicas: compared }) => variables.includes(variable) && compared > 0)
      .map(toFinding);
  } catch {
    return [unchecked(name, 'Redis did not say which run')];
  } finally {
    connection.close();
  }
};
