import type { Cluster, Redis } from 'ioredis';
import { AppError } from '../../errors.ts';
import { type AssignmentLimits, defaultAssignmentLimits, toLimitError } from '../assignment-limits.ts';
import type { AssignmentStore, Place, Rotation } from '../assignment-store.ts';
import { createLegacyRotations } from './legacy-rotations.ts';
import { createRedisHistory } from './redis-history.ts';
import { createRedisLeaves } from './redis-leaves.ts';
import { createRedisTurns } from './redis-turns.ts';
import { createRotationKeys } from './rotation-keys.ts';
import type { Taken } from './taken.ts';
import type { TurnRequest } from './turn-calls.ts';
import { createTurnNews, type OpenChannel } from './turn-news.ts';

export type RedisStoreOptions = {
  redis: Redis | Cluster;
  /** The prefix of all keys. */
  prefix: string;
  /** The secret from which key names and seals are derived: the same in all replicas of an environment, and only there. */
  sealingSecret: string;
  /** Default `defaultAssignmentLimits`. */
  limits?: AssignmentLimits;
  /** Monotonic milliseconds. Default `performance.now`. */
  monotonicNow?: () => number;
  /** Default: `watch` gets no news. */
  openChannel?: OpenChannel;
};

const storeUnavailable = (cause: unknown) => new AppError('store_unavailable', { cause, retryAfterSeconds: 1 });

const orUnavailable = async <Result>(call: () => Promise<Result>): Promise<Result> => {
  try {
    return await call();
  } catch (error) {
    throw error instanceof AppError ? error : storeUnavailable(error);
  }
};

const placePattern = /^(\d+) (\d+) (\d+)$/;

/** An earlier version stores the number of the last turn only. */
const toPlace = (lastTurn: number, counted: string | null): Omit<Place, 'away'> => {
  const [, turn, turns = 0, atMs = 0] = placePattern.exec(counted ?? '') ?? [];
  const isTimed = lastTurn > 0 && Number(turn) === lastTurn && Number(atMs) > 0;
  return { lastTurn, turns: Number(turns), lastTurnAtMs: isTimed ? Number(atMs) : null };
};

/**
 * Keeps turns in Redis, for any number of replicas and across restarts. A turn is one script call. All keys of a rotation
 * share a hash tag, and therefore a node of a cluster; the leave of its system and its callers do not.
 */
export const createRedisStore = (options: RedisStoreOptions): AssignmentStore => {
  const { redis, prefix, sealingSecret, limits = defaultAssignmentLimits } = options;
  const { monotonicNow = () => performance.now(), openChannel = null } = options;
  const channel = `${prefix}turns`;
  const rotationKeys = createRotationKeys({ prefix, sealingSecret });
  const legacyRotations = createLegacyRotations({ redis, prefix, rotationKeys, monotonicNow });
  const history = createRedisHistory({ redis, rotationKeys, sealingSecret });
  const leaves = createRedisLeaves({ redis, rotationKeys, sealingSecret });
  const turns = createRedisTurns({ redis, channel, rotationKeys, history, leaves, limits });
  const news = createTurnNews({ channel, openChannel });

  const run = async (request: TurnRequest): Promise<Taken> => {
    await legacyRotations.migrate(request.rotation);
    const taken = await turns.run(request);
    if (taken[0] === 'failed') throw new Error(taken[1]);
    if (taken[0] === 'limited') throw toLimitError(taken[1], { limits, resetMs: taken[2] });
    return taken;
  };
  const toTurn = (rotation: Rotation, taken: Taken) =>
    taken[0] === 'assigned' || taken[0] === 'replayed'
      ? { assignee: rotationKeys.open(rotation, taken[1]), replayed: taken[0] === 'replayed' }
      : null;

  return {
    take: (take) =>
      orUnavailable(async () => {
        if (take.candidates.length === 0 && take.key === null) return null;
        return toTurn(take.rotation, await run(take));
      }),

    handOver: (handOver) =>
      orUnavailable(async () => {
        const taken = await run(handOver);
        if (taken[0] === 'unknown') return 'not_found';
        return toTurn(handOver.rotation, taken) ?? (taken[0] === 'away' ? 'all_away' : 'all_excluded');
      }),

    places: (rotation, ids) =>
      orUnavailable(async () => {
        if (ids.length === 0) return [];
        await legacyRotations.migrate(rotation);
        const keys = rotationKeys.of(rotation);
        const sealed = keys.seal(ids);
        // Both commands are sent before the first answer arrives.
        const [fields, away] = await Promise.all([
          redis.hmget(keys.turns, ...sealed, ...sealed.map((person) => `s:${person}`)),
          leaves.whoIsAway(rotation, ids),
        ]);
        return ids.map((id, index) => ({
          ...toPlace(Number(fields[index] ?? 0), fields[ids.length + index] ?? null),
          away: away.get(id) ?? null,
        }));
      }),

    setLeave: (system, id, leave) => orUnavailable(() => leaves.set(system, id, leave)),

    reset: (rotation) =>
      orUnavailable(async () => {
        await legacyRotations.migrate(rotation);
        await turns.reset(rotation);
      }),

    history: (rotation, limit) => orUnavailable(() => history.newest(rotation, limit)),
    historyAfter: (rotation, id, limit) => orUnavailable(() => history.after(rotation, id, limit)),
    watch: (rotation, onNews) => news.watch(rotationKeys.of(rotation).name, onNews),
  };
};
