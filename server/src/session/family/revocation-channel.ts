import type { KeyHasher } from '../../platform/key-hasher.ts';
import type { RedisChannel } from '../../platform/redis/redis-channel.ts';
import type { RedisGuard } from '../../platform/redis/redis-guard.ts';
import { createReceivedRevocations, type ReceivedRevocation } from './received-revocations.ts';
import { createRevocationMessages, type RevocationMessage } from './revocation-messages.ts';

export type RevocationChannelOptions = {
  redisGuard: RedisGuard;
  channel: RedisChannel;
  keyHasher: KeyHasher;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The longest time for which a revocation is remembered, in milliseconds. */
  maxTtlMs: number;
  /** Called with each cutoff that another replica has published, by the name of its person. */
  onCutoff: (name: string, cutoffMs: number) => void;
  /** Called after each message about a sign-out. */
  onSignOut?: (() => void) | undefined;
};

export type OnRevocation = (revocation: { what: 'ended' | 'replaced'; atMs: number }) => void;

/**
 * Publishes revocations to the other replicas and remembers those that it receives. A Redis that is full stores nothing,
 * but still delivers messages.
 */
export const createRevocationChannel = (options: RevocationChannelOptions) => {
  const { redisGuard, channel, keyHasher, now, maxTtlMs, onCutoff, onSignOut = () => {} } = options;
  const received = createReceivedRevocations({ now });
  const messages = createRevocationMessages({ keyHasher, channel: channel.name, now, maxTtlMs });
  /** By the names of the tokens that this process is refreshing. */
  const watchers = new Map<string, Set<OnRevocation>>();

  channel.onMessage((text) => {
    const message = messages.decode(text);
    if (message === null) return;
    const { what, atMs } = message;
    if (what === 'cutoff') {
      for (const [name, cutoffMs] of message.names) onCutoff(name, cutoffMs);
      onSignOut();
      return;
    }
    if (message.isProven) received.add({ ...message, what });
    if (what === 'kept') return;
    const revocation = { what, atMs };
    for (const [name] of message.names) {
      for (const onRevocation of watchers.get(name) ?? []) onRevocation(revocation);
    }
    onSignOut();
  });

  return {
    /** Resolves to whether Redis accepted the messages. It does not confirm that a replica received them. */
    async publish(
      { what, isProven, atMs = now() }: Omit<RevocationMessage, 'atMs' | 'names'> & { atMs?: number },
      names: ReadonlyMap<string, number>,
    ): Promise<boolean> {
      for (const text of messages.encode({ what, isProven, atMs, names: [...names] })) {
        if ((await redisGuard.ask(() => channel.publish(text))) === null) return false;
      }
      return true;
    },

    /** Calls back with each revocation of these names until the returned function is called. */
    watch(names: readonly string[], onRevocation: OnRevocation): () => void {
      for (const name of names) watchers.set(name, (watchers.get(name) ?? new Set()).add(onRevocation));
      return () => {
        for (const name of names) {
          watchers.get(name)?.delete(onRevocation);
          if (watchers.get(name)?.size === 0) watchers.delete(name);
        }
      };
    },

    /** The received revocations of these names. */
    receivedFor(names: ReadonlyArray<string | null>): ReceivedRevocation[] {
      if (received.isEmpty()) return [];
      return names.map((name) => (name === null ? null : received.get(name))).filter((entry) => entry !== null);
    },

    /** Whether a replica has published that one of these tokens or families was signed out. Needs no I/O. */
    hasReceivedSignOut: (names: ReadonlyArray<string | null>): boolean =>
      names.some((name) => name !== null && (received.get(name)?.revokedAtMs ?? null) !== null),

    /** The latest time at which one of these tokens or families counts as begun, as a replica has published it. 0: none has. */
    receivedSinceMs: (names: ReadonlyArray<string | null>): number =>
      Math.max(0, ...names.map((name) => (name === null ? 0 : (received.get(name)?.sinceMs ?? 0)))),

    hasReceivedNone: (): boolean => received.isEmpty(),
  };
};

export type RevocationChannel = ReturnType<typeof createRevocationChannel>;
