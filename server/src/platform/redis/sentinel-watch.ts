import { Redis } from 'ioredis';
import { toSentinelOptions } from './redis-client.ts';
import type { RedisNode } from './redis-nodes.ts';
import type { RedisTarget } from './redis-url.ts';

export type SentinelWatchOptions = {
  target: RedisTarget;
  sentinelPassword: string | null;
  /** Called with the address of a new primary. Each sentinel reports it. */
  onSwitch: (primary: RedisNode) => void;
};

/** Milliseconds until a sentinel that is down is tried again. */
const retryMs = 1_000;
const connectTimeoutMs = 900;
const keepAliveMs = 30_000;
const channel = '+switch-master';

/**
 * Listens to all sentinels for a new primary. Without it, a connection to a primary that hangs, or that only the sentinels
 * cannot reach, would stay. ioredis has a detector, but it also reacts to primaries of other names, and prints errors.
 */
export const createSentinelWatch = ({ target, sentinelPassword, onSwitch }: SentinelWatchOptions) => {
  const clients = target.nodes.map((node) => {
    const client = new Redis({
      ...toSentinelOptions(target, node, sentinelPassword),
      enableReadyCheck: false,
      autoResubscribe: false,
      connectTimeout: connectTimeoutMs,
      keepAlive: keepAliveMs,
      maxRetriesPerRequest: 0,
      retryStrategy: () => retryMs,
    });
    // The connection to Redis reports that no sentinel answers. Without a listener, ioredis prints errors.
    client.on('error', () => {});
    client.on('ready', () => void client.subscribe(channel).catch(() => {}));
    client.on('message', (_channel: string, text: string) => {
      // Name, old host, old port, new host, new port.
      const [name, , , host = '', port] = text.split(' ');
      if (name === target.primaryName) onSwitch({ host, port: Number(port) });
    });
    return client;
  });
  return {
    close(): void {
      for (const client of clients) client.disconnect();
    },
  };
};
