import { Redis, type RedisOptions } from 'ioredis';

/** Rejects after `timeoutMs`. */
export const withTimeout = async <Value>(promise: Promise<Value>, timeoutMs: number): Promise<Value> => {
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

/** Options of a connection that is tried once. */
export const connectionFor = (deadlineMs: number) =>
  ({
    connectTimeout: deadlineMs,
    commandTimeout: deadlineMs,
    maxRetriesPerRequest: 0,
    enableOfflineQueue: false,
  }) satisfies RedisOptions;

/** Connects to a server or a sentinel. Rejects with the best description of a failure. Disposing it disconnects. */
export const openRedis = async (options: RedisOptions, deadlineMs: number) => {
  const client = new Redis({
    ...options,
    ...connectionFor(deadlineMs),
    lazyConnect: true,
    retryStrategy: () => null,
  });
  const failed = new Promise<never>((_resolve, reject) => void client.on('error', reject));
  const ready = new Promise<void>((resolve) => void client.once('ready', resolve));
  // The error event has a better description of the same failure.
  client.connect().catch(() => {});
  try {
    await withTimeout(Promise.race([ready, failed]), deadlineMs);
  } catch (error) {
    client.disconnect();
    throw error;
  }
  return { client, [Symbol.asyncDispose]: async () => client.disconnect() };
};
