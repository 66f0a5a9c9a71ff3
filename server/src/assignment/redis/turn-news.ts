import type { RedisChannel } from '../../platform/redis/redis-channel.ts';

/** Opens a channel. `onSubscribed` runs after each subscription, also the one after a reconnect. */
export type OpenChannel = (options: { name: string; onSubscribed: () => void }) => Pick<RedisChannel, 'onMessage'>;

export type TurnNewsOptions = {
  /** The channel on which the script publishes the name of each rotation that got an entry. */
  channel: string;
  /** Null: messages are not received. */
  openChannel: OpenChannel | null;
};

/** Tells which rotations have new entries. The channel opens with the first watcher, because most processes never need it. */
export const createTurnNews = ({ channel, openChannel }: TurnNewsOptions) => {
  const watchers = new Map<string, Set<() => void>>();
  let isOpen = false;

  const open = (): void => {
    if (isOpen || openChannel === null) return;
    isOpen = true;
    // Messages are lost while the connection is down.
    const onSubscribed = (): void => {
      for (const ofRotation of watchers.values()) for (const onNews of ofRotation) onNews();
    };
    openChannel({ name: channel, onSubscribed }).onMessage((name) => {
      for (const onNews of watchers.get(name) ?? []) onNews();
    });
  };

  return {
    /** `name`: of the rotation in messages. Returns a function that stops the calls. */
    watch(name: string, onNews: () => void): () => void {
      open();
      const ofRotation = watchers.get(name) ?? new Set();
      watchers.set(name, ofRotation.add(onNews));
      return () => {
        ofRotation.delete(onNews);
        if (ofRotation.size === 0 && watchers.get(name) === ofRotation) watchers.delete(name);
      };
    },
  };
};
