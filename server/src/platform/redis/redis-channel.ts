import type { Cluster, Redis } from 'ioredis';
import { toRedisCause } from './redis-errors.ts';

export type RedisChannelOptions = {
  /** The connection for commands. Messages are received on a second one. */
  redis: Redis | Cluster;
  /** Redis channels are global: they do not belong to a database. */
  name: string;
  /** Milliseconds that the start waits for the subscription. Default 1,000. */
  timeoutMs?: number | undefined;
  /** Milliseconds until a rejected subscription is retried. Default 10,000. */
  retryMs?: number;
  /** Called with the error when Redis rejects the subscription; once, until Redis accepts it. */
  onRefused?: ((cause: string) => void) | undefined;
  /** Called after each subscription, also the one after a reconnect: messages before it may have been lost. */
  onSubscribed?: (() => void) | undefined;
};

/** Idle time of the second connection after which TCP keep-alive probes start. */
const keepAliveMs = 30_000;
/** Milliseconds until a subscription without a reply is retried. */
const unansweredRetryMs = 1_000;

/** Messages between replicas, by PUBLISH. They are lost while a connection is down, so senders also store what must not be lost. */
export const createRedisChannel = (options: RedisChannelOptions) => {
  const { redis, name, timeoutMs = 1_000, retryMs = 10_000, onRefused, onSubscribed } = options;
  // The client of a cluster already has a separate connection for subscriptions.
  const subscriber = redis.isCluster
    ? redis
    : (redis as Redis).duplicate({ autoResubscribe: false, keepAlive: keepAliveMs });
  let retryTimer: NodeJS.Timeout | null = null;
  let isRefused = false;
  let isClosed = false;
  let hasBeenReady = redis.status === 'ready';
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
        onSubscribed?.();
      },
      (error: Error) => {
        // After a reconnect, the ready event subscribes again.
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

  /** If the first connection was replaced because it was dead or led to a replica, the second one may have the same problem. */
  const followRedis = (): void => {
    const isRenewed = hasBeenReady;
    hasBeenReady = true;
    if (isRenewed && subscriber !== redis && subscriber.status === 'ready') subscriber.disconnect(true);
  };

  subscriber.on('ready', subscribe);
  if (subscriber.status === 'ready') subscribe();
  redis.on('ready', followRedis);
  // The first connection reports the same errors. Without a listener, they would end the process.
  subscriber.on('error', () => {});

  return {
    name,
    /** Rejects if Redis rejects the command or is down. */
    publish: (text: string): Promise<number> => redis.publish(name, text),
    /** Calls the listener with each message on the channel, including those of this process. */
    onMessage(listener: (text: string) => void): void {
      subscriber.on('message', (channel: string, text: string) => {
        if (channel === name) listener(text);
      });
    },
    /** Resolves once the subscription is active, or after `timeoutMs`: without messages, replicas still share what is stored. */
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
