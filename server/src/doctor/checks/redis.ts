import { Redis } from 'ioredis';
import { readRedisUrl } from '../../config/redis-url.ts';
import { toConnectionOptions } from '../../platform/redis/redis.ts';
import { type RedisErrorCode, redisErrorCode } from '../../platform/redis/redis-errors.ts';
import { type Finding, ok, problem, warning } from '../finding.ts';

const name = 'REDIS_URL';

type Cause = { says: string; todo: string };

const refusedPassword: Cause = {
  says: 'Redis refuses the password',
  todo: 'Set the user and password in REDIS_URL as Redis has them, percent-encoded',
};
const onReplica: Cause = { says: 'it is a replica, which takes no turns', todo: 'Set REDIS_URL to the primary' };
const onCluster: Cause = { says: 'it is a cluster', todo: 'Add ?cluster=true to REDIS_URL' };

/** What Redis itself says, by its code. */
const byCode: Partial<Record<RedisErrorCode, Cause>> = {
  WRONGPASS: refusedPassword,
  NOAUTH: { says: 'Redis wants a password', todo: 'Set REDIS_URL to redis://:password@host:port, percent-encoded' },
  NOPERM: {
    says: 'Redis does not permit its user what is needed',
    todo: 'Permit it +@all -@admin on all keys and channels (~* &*)',
  },
  LOADING: { says: 'Redis still loads what it kept', todo: 'Wait, and try again' },
  READONLY: onReplica,
  MASTERDOWN: onReplica,
  MOVED: onCluster,
  ASK: onCluster,
  CROSSSLOT: onCluster,
  CLUSTERDOWN: { says: 'its cluster does not serve every key', todo: 'Look at CLUSTER INFO there' },
  OOM: { says: 'its memory is full', todo: 'Raise maxmemory of Redis' },
  MISCONF: { says: 'it takes no writes because it cannot save them', todo: 'Look at its disk, and its log' },
  NOREPLICAS: { says: 'it takes no writes because too few replicas follow it', todo: 'Look at its replicas' },
  BUSY: { says: 'a script has kept it busy for long', todo: 'End that script with SCRIPT KILL' },
};

/** What came instead of an answer, and answers that have no code of their own. */
const byText: ReadonlyArray<[pattern: RegExp, says: string, todo: string]> = [
  [/invalid password|without any password configured/i, refusedPassword.says, refusedPassword.todo],
  [
    /DB index is out of range/,
    'Redis has no database of that number',
    'Correct the number behind the host in REDIS_URL, or the setting `databases` of Redis',
  ],
  [/SELECT is not allowed in cluster mode/, onCluster.says, onCluster.todo],
  [/max number of clients/, 'it has as many clients as it takes', 'Raise maxclients of Redis, or end some of them'],
  [/protected mode/, 'it takes clients of its own machine alone', 'Give it a password, and bind it to its network'],
  [/unknown command/i, 'it runs no scripts', 'Permit EVAL and EVALSHA, of which every turn is one'],
  [/Protocol error/, 'what listens there is no Redis', 'Look at the host and port in REDIS_URL'],
  [/ECONNREFUSED/, 'nobody listens there', 'Start Redis, or set REDIS_URL to where it is'],
  [/ENOTFOUND|EAI_AGAIN/, 'its name is not known here', 'Look at the host in REDIS_URL, and at DNS'],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/,
    'its certificate is not trusted',
    'Name its authority in NODE_EXTRA_CA_CERTS',
  ],
  [/EPROTO|ERR_SSL|ERR_TLS/, 'it does not speak TLS there', 'Look at redis:// and rediss:// in REDIS_URL'],
];

const noAnswer: Cause = {
  says: 'no answer in time',
  todo: 'Look at Redis, at firewalls before it, and at redis:// and rediss:// in REDIS_URL',
};

const causeOf = (error: unknown): Cause => {
  if (!(error instanceof Error)) return noAnswer;
  const code = redisErrorCode(error.message);
  const known = code === null ? undefined : byCode[code];
  if (known !== undefined) return known;
  const text = `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}`;
  const [, says, todo] = byText.find(([pattern]) => pattern.test(text)) ?? [];
  return says === undefined || todo === undefined ? noAnswer : { says, todo };
};

/** Why Redis could not be asked. The error's own words are not told: they may hold what was sent. */
const toProblem = (error: unknown): Finding => {
  const { says, todo } = causeOf(error);
  return problem(name, `Redis cannot be used: ${says}`, todo);
};

/** Whether scripts may be run is asked as well: every turn is one. */
const ask = async (redis: Redis): Promise<string> => {
  const refused = new Promise<never>((_resolve, reject) => void redis.once('error', reject));
  const ready = new Promise<void>((resolve) => void redis.once('ready', resolve));
  // That it was refused is told, in better words, by the event before.
  redis.connect().catch(() => {});
  await Promise.race([ready, refused]);
  await redis.eval('return 1', 0);
  return redis.info();
};

const within = async <Value>(promise: Promise<Value>, deadlineMs: number): Promise<Value> => {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('late')), deadlineMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
};

const judge = (info: string, isCluster: boolean): Finding => {
  const of = (field: string) => new RegExp(`^${field}:([\\w.-]{1,40})\\s*$`, 'm').exec(info)?.[1] ?? null;
  const version = of('redis_version') ?? of('valkey_version') ?? 'of a version that it does not tell';
  if (of('role') === 'slave') {
    return problem(name, `Redis ${version} there is a replica, and takes no turns`, 'Set REDIS_URL to the primary');
  }
  if (isCluster !== (of('cluster_enabled') === '1')) {
    return isCluster
      ? problem(name, `Redis ${version} is no cluster`, 'Take ?cluster=true out of REDIS_URL')
      : problem(name, `Redis ${version} is a cluster`, 'Add ?cluster=true to REDIS_URL');
  }
  const policy = of('maxmemory_policy') ?? 'noeviction';
  const [used, most] = [Number(of('used_memory')), Number(of('maxmemory'))];
  if (policy === 'noeviction' && most > 0 && used >= most) {
    return problem(name, `Redis ${version} there takes no writes: its memory is full`, 'Raise maxmemory of Redis');
  }
  if (of('rdb_last_bgsave_status') === 'err') {
    return warning(
      name,
      `Redis ${version} there could not save to its disk, after which it takes no writes (stop-writes-on-bgsave-error)`,
      'Look at its disk, and its log',
    );
  }
  if (policy !== 'noeviction' && of('maxmemory') !== '0') {
    return warning(
      name,
      `Redis ${version} throws keys out when its memory is full (${policy}): turns and sign-outs would be forgotten`,
      'Set maxmemory-policy to noeviction',
    );
  }
  const forgets = of('aof_enabled') === '0' ? ', which forgets the latest turns when it restarts (appendonly no)' : '';
  return ok(name, `is that of a Redis ${version} that can be used${forgets}`);
};

export type CheckRedisOptions = { url: string; deadlineMs: number };

/** Whether Redis can be reached, is one that takes writes, and runs scripts. No word of its URL is told. */
export const checkRedis = async ({ url, deadlineMs }: CheckRedisOptions): Promise<Finding> => {
  const reading = readRedisUrl(url);
  if ('fault' in reading) return problem(name, reading.fault, 'Correct it in the environment');
  const target = reading.value;
  const redis = new Redis({
    ...toConnectionOptions(target),
    lazyConnect: true,
    connectTimeout: deadlineMs,
    commandTimeout: deadlineMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
    retryStrategy: () => null,
  });
  // What comes after the first is of no more interest, and without a listener it would end the process.
  redis.on('error', () => {});
  try {
    return judge(await within(ask(redis), deadlineMs), target.isCluster);
  } catch (error) {
    return toProblem(error);
  } finally {
    redis.disconnect();
  }
};
