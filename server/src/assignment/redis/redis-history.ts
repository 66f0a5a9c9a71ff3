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

  /** Null: the person was not sealed for this rotation. */
  const openPerson = (rotation: Rotation, sealed: string): number | null => {
    try {
      return rotationKeys.open(rotation, sealed);
    } catch {
      return null;
    }
  };

  /** Null: no replica with this sealing secret wrote the entry for this rotation. */
  const open = (rotation: Rotation, [id, [, value = '']]: StreamEntry): StoredTurn | null => {
    const rest = seal.open(rotation, value.slice(sealLength));
    if (rest === null) return null;
    const assignee = openPerson(rotation, value.slice(0, sealLength));
    if (assignee === null) return null;
    const [key, by, kind] = JSON.parse(rest) as [string | null, number, number];
    return {
      id,
      entry: { at: new Date(turnIdToMs(id)), key, assignee, by, kind: turnKinds[kind] ?? 'assigned' },
    };
  };
  const openAll = (rotation: Rotation, entries: StreamEntry[]): StoredTurn[] =>
    entries.map((entry) => open(rotation, entry)).filter((stored) => stored !== null);

  /** Reads on after entries that cannot be opened: a short answer must mean that there are no more. */
  const read = async (
    rotation: Rotation,
    limit: number,
    page: (last: string | null) => Promise<StreamEntry[]>,
  ): Promise<StoredTurn[]> => {
    const found: StoredTurn[] = [];
    let entries: StreamEntry[] = [];
    do {
      entries = await page(entries.at(-1)?.[0] ?? null);
      found.push(...openAll(rotation, entries));
    } while (entries.length === limit && found.length < limit);
    return found.slice(0, limit);
  };

  return {
    sealRest: (rotation: Rotation, { key, by, kind }: Pick<TurnEntry, 'key' | 'by' | 'kind'>): string =>
      seal.seal(rotation, JSON.stringify([key, by, turnKinds.indexOf(kind)])),

    /** Newest first. */
    newest: (rotation: Rotation, limit: number): Promise<StoredTurn[]> => {
      const { history } = rotationKeys.of(rotation);
      return read(rotation, limit, (last) =>
        redis.xrevrange(history, last === null ? '+' : `(${last}`, '-', 'COUNT', limit),
      );
    },

    /** Oldest first. */
    after: (rotation: Rotation, id: string, limit: number): Promise<StoredTurn[]> => {
      const { history } = rotationKeys.of(rotation);
      return read(rotation, limit, (last) => redis.xrange(history, followingTurnId(last ?? id), '+', 'COUNT', limit));
    },
  };
};

export type RedisHistory = ReturnType<typeof createRedisHistory>;
