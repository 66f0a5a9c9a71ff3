import { askWithCause } from '../../platform/redis/ask-with-cause.ts';
import type { RedisGuard } from '../../platform/redis/redis-guard.ts';
import type { FamilyStore } from '../family/family-store.ts';
import type { RevocationChannel } from '../family/revocation-channel.ts';
import {
  createRevocationQueue,
  type Revocation,
  type RevocationQueueOptions,
  type StoreOutcome,
} from '../family/revocation-queue.ts';
import type { CutoffStore } from './cutoff-store.ts';

/** A cutoff to store. `kept`: the tokens whose family goes on. */
export type NewCutoff = {
  /** The name of the person. */
  name: string;
  cutoffMs: number;
  kept: Pick<Revocation, 'refs' | 'familyNames'> | null;
};

export type SharedCutoffsOptions = Pick<
  RevocationQueueOptions<NewCutoff>,
  'monotonicNow' | 'retryMs' | 'onUnstored'
> & {
  redisGuard: RedisGuard;
  families: Pick<FamilyStore, 'keep' | 'reachOf'>;
  cutoffs: CutoffStore;
  channel: Pick<RevocationChannel, 'publish'>;
};

/**
 * The cutoffs of all replicas. Redis stores them; they are published as well, and a received cutoff counts even if Redis
 * could not store it. While Redis is unavailable, they wait in a queue.
 */
export const createSharedCutoffs = (options: SharedCutoffsOptions) => {
  const { redisGuard, families, cutoffs, channel } = options;
  const { redis, ask } = redisGuard;
  const publish = (names: ReadonlyMap<string, number>) => channel.publish({ what: 'cutoff', isProven: true }, names);

  /** The kept family is stored first: a replica that sees the cutoff must see what it keeps. */
  const store = async ({ name, cutoffMs, kept }: NewCutoff, critical: boolean): Promise<StoreOutcome> => {
    const write = async () => {
      if (kept !== null) await families.keep(kept, cutoffMs);
      return cutoffs.raise(name, cutoffMs);
    };
    const { reply, errorReply } = await askWithCause(redisGuard, write, { critical });
    return { isStored: reply !== null, errorReply };
  };

  /** For a Redis that stores nothing: it is published before the cutoff is. */
  const publishKept = async ({ kept, cutoffMs }: NewCutoff): Promise<void> => {
    const reach = kept === null ? null : await ask(() => families.reachOf(kept));
    if (reach !== null) await channel.publish({ what: 'kept', isProven: true, atMs: cutoffMs }, reach.names);
  };

  const queue = createRevocationQueue<NewCutoff>({
    ...options,
    store: (cutoff) => store(cutoff, false),
    isProven: () => true,
    publish,
    redis,
  });

  return {
    /** Stores and publishes a cutoff. It is kept and retried while Redis is unavailable or full. Never rejects. */
    async set(cutoff: NewCutoff): Promise<void> {
      const names = new Map([[cutoff.name, cutoff.cutoffMs]]);
      const { isStored, errorReply } = await store(cutoff, true);
      if (isStored) {
        await publish(names);
        return;
      }
      if (errorReply !== null) await publishKept(cutoff);
      await queue.add(cutoff, names, errorReply);
    },

    /** The stored cutoff of a person. Null: there is none, or Redis is unavailable. */
    async read(name: string): Promise<number | null> {
      const stored = await ask(() => cutoffs.read(name));
      return stored === null || stored === '' ? null : Number(stored);
    },
  };
};

export type SharedCutoffs = ReturnType<typeof createSharedCutoffs>;
