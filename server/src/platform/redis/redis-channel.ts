import type { Cluster, Redis } from 'ioredis';
import { toRedisCause } from './redis-errors.ts';

export type RedisChannelOptions = {
  /** The connection for commands. Messages are received on a second one. */
  redis: Redis | Cluster;
  /** The channel. Channels do not belong to a database. */
  name: string;
  /** Milliseconds that a start waits for the subscription. Default 1,000. */
  timeoutMs?: number | undefined;
  /** Milliseconds until a subscription that Redis refused is tried again. Default 10,000. */
  retryMs?: number;
  /** Told why Redis refuses the subscription: once, until it has accepted it. */
  onRefused?: ((cause: string) => void) | undefined;
};

/** How long the second connection is idle before the kernel asks whether the peer is still there. */
const keepAliveMs = 30_000;
/** How soon a subscription is tried again that got no reply. */
const unansweredRetryMs = 1_000;

/** Messages between replicas. They get lost while a connection is broken: whoever needs more stores them as well. */
export const createRedisChannel = (options: RedisChannelOptions) => {
  const { redis, name, timeoutMs = 1_000, retryMs = 10_000, onRefused } = options;
  // A cluster's client has a connection of its own for subscriptions.
  const subscriber = redis.isCluster
    ? redis
    : (redis as Redis).duplicate({ autoResubscribe: false, keepAlive: keepAliveMs });
  let retryTimer: NodeJS.Timeout | null = null;
  let isRefused = false;
  let isClosed = false;
  let hasBeenReady = false;
  let noteReady = () => {};
  const ready = new Promise<void>((resolve) => {
    noteReady = resolve;
  });

  const subscribe = (): void => {
    if (retryTimer !== null) clearTimeout(retryTimer);
    retryTimer = null;
    subscriber.subscribe(name).then(
      () => {
        isRefused = false;
        noteReady();
      },
      (error: Error) => {
        // A connection that broke subscribes once it is ready again.
        if (isClosed || subscriber.status !== 'ready') return;
        const isReply = error.name === 'ReplyError';
        if (isReply && !isRefused) {
          isRefused = true;
          noteReady();
          onRefused?.(toRedisCause(error.message));
        }
        retryTimer = setTimeout(subscribe, isReply ? retryMs : unansweredRetryMs);
        retryTimer.unref();
      },
    );
  };

  /** The first connection was renewed because it was dead or led to a replica: the second one may be no better. */
  const followRedis = (): void => {
    const isRenewed = hasBeenReady;
    hasBeenReady = true;
    if (isRenewed && subscriber !== redis && subscriber.status === 'ready') subscriber.disconnect(true);
  };

  subscriber.on('ready', subscribe);
  redis.on('ready', followRedis);
  // The first connection tells of the same errors. Without a listener they would end the process.
  subscriber.on('error', () => {});

  return {
    name,
    /** Rejects where Redis refuses it, or is away. */
    publish: (text: string): Promise<number> => redis.publish(name, text),
    /** Calls the listener with each message on the channel, those of this process included. */
    onMessage(listener: (text: string) => void): void {
      subscriber.on('message', (channel: string, text: string) => {
        if (channel === name) listener(text);
      });
    },
    /** Resolves once messages are received, or after `timeoutMs`: without them the replicas still share what is stored. */
    untilReady: (): Promise<void> =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        void ready.then(() => {
          clearTimeout(timer);
          resolve();
        });
      }),
    close(): void {
      isClosed = true;
      if (retryTimer !== null) clearTimeout(retryTimer);
      if (subscriber !== redis) subscriber.disconnect();
    },
  };
};

export type RedisChannel = ReturnType<typeof createRedisChannel>;
