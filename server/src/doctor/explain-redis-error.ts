import { type RedisErrorCode, redisErrorCode } from '../platform/redis/redis-errors.ts';

export type RedisExplanation = { message: string; fix: string };

const replica: RedisExplanation = { message: 'it is a read-only replica', fix: 'Set REDIS_URL to the primary' };
const cluster: RedisExplanation = { message: 'it is a cluster', fix: 'Add ?cluster=true to REDIS_URL' };
const wrongPassword: RedisExplanation = {
  message: 'Redis refuses the password',
  fix: 'Set the user name and password in REDIS_URL as configured in Redis, percent-encoded',
};

const byCode: Partial<Record<RedisErrorCode, RedisExplanation>> = {
  WRONGPASS: wrongPassword,
  NOAUTH: {
    message: 'Redis requires a password',
    fix: 'Set REDIS_URL to redis://:password@host:port, with the password percent-encoded',
  },
  NOPERM: {
    message: 'the Redis user lacks permissions',
    fix: 'Grant the user +@all -@admin on all keys and channels (~* &*)',
  },
  LOADING: { message: 'Redis is still loading its data', fix: 'Wait and run the doctor again' },
  READONLY: replica,
  MASTERDOWN: replica,
  MOVED: cluster,
  ASK: cluster,
  CROSSSLOT: cluster,
  CLUSTERDOWN: { message: 'the cluster does not serve all slots', fix: 'Check CLUSTER INFO of Redis' },
  OOM: { message: 'its memory is full', fix: 'Raise maxmemory of Redis' },
  MISCONF: {
    message: 'it rejects writes because it cannot save them to disk',
    fix: 'Check the disk and the log of Redis',
  },
  NOREPLICAS: { message: 'it rejects writes because it has too few replicas', fix: 'Check the replicas of Redis' },
  BUSY: { message: 'it is blocked by a long-running script', fix: 'End that script with SCRIPT KILL' },
};

/** Network errors, and replies without a code of their own. */
const byText: ReadonlyArray<[pattern: RegExp, RedisExplanation]> = [
  [/invalid password|without any password configured/i, wrongPassword],
  [
    /DB index is out of range/,
    {
      message: 'Redis has no database with this number',
      fix: 'Correct the number after the host in REDIS_URL, or the setting `databases` of Redis',
    },
  ],
  [/SELECT is not allowed in cluster mode/, cluster],
  [
    /max number of clients/,
    { message: 'its limit of clients is reached', fix: 'Raise maxclients of Redis, or close other clients' },
  ],
  [
    /protected mode/,
    {
      message: 'it is in protected mode and accepts only local clients',
      fix: 'Set a password in Redis, and bind it to its network',
    },
  ],
  [
    /unknown command/i,
    { message: 'it does not support scripts', fix: 'Enable EVAL and EVALSHA, which every assignment uses' },
  ],
  [
    /Protocol error/,
    { message: 'the service at this address is not Redis', fix: 'Check the host and port in REDIS_URL' },
  ],
  [
    /ECONNREFUSED/,
    {
      message: 'the connection is refused, because nothing listens at this address',
      fix: 'Start Redis, or correct REDIS_URL',
    },
  ],
  [/ENOTFOUND|EAI_AGAIN/, { message: 'its host name cannot be resolved', fix: 'Check the host in REDIS_URL, and DNS' }],
  [
    /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/,
    {
      message: 'its TLS certificate is not trusted',
      fix: 'Name the file of its certificate authority in ?ca= of REDIS_URL, or in NODE_EXTRA_CA_CERTS',
    },
  ],
  [
    /EPROTO|ERR_SSL|ERR_TLS/,
    { message: 'the TLS handshake fails', fix: 'Check the scheme in REDIS_URL: redis:// or rediss:// (TLS)' },
  ],
];

const timeout: RedisExplanation = {
  message: 'it does not respond in time',
  fix: 'Check Redis, the firewalls in front of it, and the scheme in REDIS_URL: redis:// or rediss:// (TLS)',
};

/** Cause and action. The error's own text is left out, because it may contain secrets. Default: a timeout. */
export const explainRedisError = (error: unknown): RedisExplanation => {
  if (!(error instanceof Error)) return timeout;
  const code = redisErrorCode(error.message);
  const known = code === null ? undefined : byCode[code];
  if (known !== undefined) return known;
  const text = `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message}`;
  return byText.find(([pattern]) => pattern.test(text))?.[1] ?? timeout;
};
