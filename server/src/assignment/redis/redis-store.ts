import type { Cluster, Redis } from 'ioredis';
import { AppError } from '../../errors.ts';
import { redisErrorCode } from '../../platform/redis/redis-errors.ts';
import {
  type AssignmentLimits,
  assignmentWindowMs,
  defaultAssignmentLimits,
  toLimitError,
} from '../assignment-limits.ts';
import { type AssignmentStore, keyTtlMs, rotationTtlMs, type Take } from '../assignment-store.ts';
import { createLegacyRotations } from './legacy-rotations.ts';
import { createRotationKeys } from './rotation-keys.ts';
import { type Costs, defineTurnCommands, type Limited, type Taken } from './turn-scripts.ts';

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
};

/** A limit as an integer for Lua. */
const toInteger = (limit: number) => Math.min(Math.floor(limit), Number.MAX_SAFE_INTEGER);

const storeUnavailable = (cause: unknown) => new AppError('store_unavailable', { cause, retryAfterSeconds: 1 });

/**
 * Keeps turns in Redis, for any number of replicas and across restarts. A turn is one script call. All keys of a rotation
 * share a hash tag, and therefore a node of a cluster.
 */
export const createRedisStore = (options: RedisStoreOptions): AssignmentStore => {
  const { redis, prefix, sealingSecret, limits = defaultAssignmentLimits } = options;
  const { monotonicNow = () => performance.now() } = options;
  const rotationKeys = createRotationKeys({ prefix, sealingSecret });
  const legacyRotations = createLegacyRotations({ redis, prefix, rotationKeys, monotonicNow });
  const commands = defineTurnCommands(redis);
  const maxKeys = toInteger(limits.keysPerPersonPerHour);
  const maxRotations = toInteger(limits.rotationsPerPersonPerHour);
  /** Whether one script can access a rotation and its caller. False in a cluster, where they are in different slots. */
  let isSingleSlot = true;

  const runTake = (mode: 'charge' | 'ask' | 'paid', { rotation, candidates, key, by }: Take): Promise<Taken> => {
    const { turns, newKeys, assigneeOf } = rotationKeys.of(rotation);
    // Only `charge` uses the third key. In the other modes it must not be in another slot.
    const keys = [turns, newKeys, mode === 'charge' ? rotationKeys.caller(by) : newKeys];
    const args = [
      mode,
      rotationTtlMs,
      keyTtlMs,
      assignmentWindowMs,
      maxKeys,
      toInteger(limits.keysPerRotationPerHour),
      maxRotations,
      ...rotationKeys.seal(rotation, candidates),
    ];
    if (key === null) return commands.takeTurn(...keys, ...args);
    return commands.takeTurnWithKey(...keys, assigneeOf(key), ...args);
  };

  const charge = (by: string, [, newKeys, newRotations]: Costs) =>
    commands.chargeCaller(rotationKeys.caller(by), newKeys, newRotations, maxKeys, maxRotations, assignmentWindowMs);

  /** Takes the turn of a caller who was charged. Refunds the part of the charge that the turn did not cost. */
  const takePaid = async (take: Take, [, newKeys, newRotations]: Costs): Promise<Taken> => {
    const refund = async (paidKeys: number, paidRotations: number) => {
      const surplus = [newKeys - paidKeys, newRotations - paidRotations];
      if (surplus.some((count) => count > 0)) await commands.refundCaller(rotationKeys.caller(take.by), ...surplus);
    };
    const taken = await runTake('paid', take).catch(async (error: unknown) => {
      await refund(0, 0).catch(() => {});
      throw error;
    });
    // Another call may have been the first with this key or in this rotation.
    const paid: [number, number] = taken[0] === 'assigned' ? [taken[2], taken[3]] : [0, 0];
    await refund(...paid).catch(() => {});
    return taken;
  };

  /**
   * For a cluster: determines the cost, charges the caller, takes the turn. If the process dies in between, the charge
   * remains until the end of the hour.
   */
  const takeInSteps = async (take: Take): Promise<Taken> => {
    let rejected: { by: Limited; cost: number } | null = null;
    for (;;) {
      const costs = await runTake('ask', take);
      if (costs[0] !== 'costs') return costs;
      const cost = costs[1] + costs[2];
      // A rejected call asks once more: parallel calls may have paid for its key or its rotation.
      if (rejected !== null && cost >= rejected.cost) return rejected.by;
      const charged = await charge(take.by, costs);
      if (charged[0] === 'charged') return takePaid(take, costs);
      rejected = { by: charged, cost };
    }
  };

  const takeInOneStep = async (take: Take): Promise<Taken> => {
    try {
      return await runTake('charge', take);
    } catch (error) {
      if (redisErrorCode((error as Error).message) !== 'CROSSSLOT') throw error;
      isSingleSlot = false;
      return takeInSteps(take);
    }
  };

  return {
    async take(take) {
      const { rotation, candidates, key } = take;
      if (candidates.length === 0 && key === null) return null;
      try {
        await legacyRotations.migrate(rotation);
        const taken = await (isSingleSlot ? takeInOneStep(take) : takeInSteps(take));
        if (taken[0] === 'limited') throw toLimitError(taken[1], { limits, resetMs: taken[2] });
        if (taken[0] !== 'assigned' && taken[0] !== 'replayed') return null;
        return { assignee: rotationKeys.open(rotation, taken[1]), replayed: taken[0] === 'replayed' };
      } catch (error) {
        throw error instanceof AppError ? error : storeUnavailable(error);
      }
    },
    async places(rotation, candidates) {
      if (candidates.length === 0) return [];
      try {
        await legacyRotations.migrate(rotation);
        const turns = await redis.hmget(rotationKeys.of(rotation).turns, ...rotationKeys.seal(rotation, candidates));
        return turns.map((turn) => ({ lastTurn: Number(turn ?? 0), lastTurnAtMs: null, turns: 0, away: null }));
      } catch (error) {
        throw storeUnavailable(error);
      }
    },
    handOver: async () => 'not_found',
    setLeave: async () => {},
    reset: async () => {},
    history: async () => [],
    historyAfter: async () => [],
    watch: () => () => {},
  };
};
