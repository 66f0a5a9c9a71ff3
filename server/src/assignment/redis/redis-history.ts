import { turnKinds, type TurnEntry } from '@auth-bff/shared';
import type { Cluster, Redis } from 'ioredis';
import type { Rotation, StoredTurn } from '../assignment-store.ts';
import { followingTurnId, turnIdToMs } from '../turn-ids.ts';
import { sealLength } from './person-seal.ts';
import type { RotationKeys } from './rotation-keys.ts';
import { createTextSeal } from './text-seal.ts';

export type RedisHistoryOptions = {
  redis: Redis | Cluster;
  rotationKeys: RotationKeys;
  sealingSecret: string;
};

type StreamEntry = [id: string, fields: string[]];

/**
 * The history of a rotation: a stream whose entries have one field, the sealed assignee and the sealed rest. The script
 * chooses the assignee, so the rest is sealed before the assignee is known. Both are bound to the rotation.
 */
export const createRedisHistory = ({ redis, rotationKeys, sealingSecret }: RedisHistoryOptions) => {
  const seal = createTextSeal({ sealingSecret, purpose: 'auth-bff history of turns' });

  const openAssignee = (rotation: Rotation, value: string): number | null => {
    try {
      return rotationKeys.open(rotation, value.slice(0, sealLength));
    } catch {
      return null;
    }
  };

  /** Null: no replica with this sealing secret wrote the entry for this rotation. */
  const open = (rotation: Rotation, [id, [, value = '']]: StreamEntry): StoredTurn | null => {
    const rest = seal.open(rotation, value.slice(sealLength));
    const assignee = openAssignee(rotation, value);
    if (rest === null || assignee === null) return null;
    const [key, by, kind] = JSON.parse(rest) as [string | null, number, number];
    return {
      id,
      entry: { at: new Date(turnIdToMs(id)), key, assignee, by, kind: turnKinds[kind] ?? 'assigned' },
    };
  };
  const openAll = (rotation: Rotation, entries: StreamEntry[]): StoredTurn[] =>
    entries.map((entry) => open(rotation, entry)).filter((stored) => stored !== null);

  return {
    sealRest: (rotation: Rotation, { key, by, kind }: Pick<TurnEntry, 'key' | 'by' | 'kind'>): string =>
      seal.seal(rotation, JSON.stringify([key, by, turnKinds.indexOf(kind)])),

    /** Newest first. */
    newest: async (rotation: Rotation, limit: number): Promise<StoredTurn[]> =>
      openAll(rotation, await redis.xrevrange(rotationKeys.of(rotation).history, '+', '-', 'COUNT', limit)),

    /** Oldest first. */
    after: async (rotation: Rotation, id: string, limit: number): Promise<StoredTurn[]> =>
      openAll(
        rotation,
        await redis.xrange(rotationKeys.of(rotation).history, followingTurnId(id), '+', 'COUNT', limit),
      ),
  };
};

export type RedisHistory = ReturnType<typeof createRedisHistory>;
