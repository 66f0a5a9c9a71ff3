import { Redis } from 'ioredis';
import { type Finding, ok, problem, warning } from './finding.ts';

const name = 'REDIS_URL';

const causes: ReadonlyArray<[pattern: RegExp, says: string, todo: string]> = [
  [
    /WRONGPASS|invalid password|without any password configured/i,
    'Redis refuses the password',
    'Set the user and password in REDIS_URL as Redis has them, percent-encoded',
  ],
  [/NOAUTH/, 'Redis wants a password', 'Set REDIS_URL to redis://:password@host:port, percent-encoded'],
  [/NOPERM/, 'Redis does not permit its user what is needed', 'Permit it +@all but +@admin on all keys'],
  [/LOADING/, 'Redis still loads what it kept', 'Wait, and try again'],
  [/ECONNREFUSED/, 'nobody listens there', 'Start Redis, or set REDIS_URL to where it is'],
  [/ENOTFOUND|EAI_AGAIN/, 'its name is not known here', 'Look at the host in REDIS_URL, and at DNS'],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/,
    'its certificate is not trusted',
    'Name its authority in NODE_EXTRA_CA_CERTS',
  ],
  [/EPROTO|ERR_SSL|ERR_TLS/, 'it does not speak TLS there', 'Look at redis:// and rediss:// in REDIS_URL'],
  [/URI malformed/, 'its user or password is not percent-encoded', 'Encode them as encodeURIComponent does'],
];

/** Why Redis could not be asked. The error's own words are not told: they may hold what was sent. */
const toProblem = (error: unknown): Finding => {
  const text = error instanceof Error ? `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}` : '';
  const [, says, todo] = causes.find(([pattern]) => pattern.test(text)) ?? [
    null,
    'no answer in time',
    'Look at Redis, at firewalls before it, and at redis:// and rediss:// in REDIS_URL',
  ];
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

/** Whether Redis can be reached, takes writes and runs scripts. No word of its URL is told. */
export const checkRedis = async ({ url, deadlineMs }: CheckRedisOptions): Promise<Finding> => {
  const address = new URL(url);
  const isCluster = address.searchParams.get('cluster') === 'true';
  address.search = '';
  let redis: Redis | null = null;
  try {
    redis = new Redis(address.href, {
      lazyConnect: true,
      connectTimeout: deadlineMs,
      commandTimeout: deadlineMs,
      maxRetriesPerRequest: 0,
      enableOfflineQueue: false,
      retryStrategy: () => null,
    });
    // What comes after the first is of no more interest, and without a listener it would end the process.
    redis.on('error', () => {});
    return judge(await within(ask(redis), deadlineMs), isCluster);
  } catch (error) {
    return toProblem(error);
  } finally {
    redis?.disconnect();
  }
};
