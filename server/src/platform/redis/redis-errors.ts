const codes = [
  'ASK',
  'BUSY',
  'CLUSTERDOWN',
  'CROSSSLOT',
  'EXECABORT',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'MOVED',
  'NOAUTH',
  'NOPERM',
  'NOREPLICAS',
  'NOSCRIPT',
  'OOM',
  'READONLY',
  'TRYAGAIN',
  'UNBLOCKED',
  'WRONGPASS',
] as const;

/** Codes of errors that the BFF handles or that an operator can fix. */
export type RedisErrorCode = (typeof codes)[number];

const coded = new RegExp(String.raw`(?:^|[\s-])(${codes.join('|')})(?=\s|$)`);

/**
 * The code of an error reply, at any position in the text. Redis 7 begins with it. Redis 6 wraps the errors of scripts:
 * `ERR Error running script (call to f_…): @user_script:17: @user_script: 17: -READONLY You can't write against a read
 * only replica.` Null: it has none of these codes.
 */
export const redisErrorCode = (message: string): RedisErrorCode | null =>
  (coded.exec(message)?.[1] as RedisErrorCode | undefined) ?? null;

/** An error reply for the log: starts at its code, without the arguments that Redis quotes for an unknown command. */
export const toRedisCause = (message: string): string => {
  const code = redisErrorCode(message);
  const text = code === null ? message : message.slice(message.indexOf(code));
  return (text.split(', with args')[0] ?? '').trim();
};

/** Whether the server behind this address is a replica, as after a failover, or still loads its data. */
export const isFromReplica = (message: string): boolean => {
  const code = redisErrorCode(message);
  return code === 'READONLY' || code === 'MASTERDOWN' || code === 'LOADING';
};

const refusals: ReadonlySet<RedisErrorCode | null> = new Set([
  'BUSY',
  'CLUSTERDOWN',
  'LOADING',
  'MASTERDOWN',
  'MISCONF',
  'NOPERM',
  'NOREPLICAS',
  'OOM',
  'READONLY',
]);

/** Whether Redis may reject all writes or scripts, and not only this command. */
export const mayRefuseWrites = (message: string): boolean => refusals.has(redisErrorCode(message));
