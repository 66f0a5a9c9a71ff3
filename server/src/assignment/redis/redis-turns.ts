import type { Cluster, Redis } from 'ioredis';
import { redisErrorCode } from '../../platform/redis/redis-errors.ts';
import { createWriteBatching } from '../../platform/redis/write-batching.ts';
import { type AssignmentLimits, assignmentWindowMs } from '../assignment-limits.ts';
import type { HandOver, Take } from '../assignment-store.ts';
import { defineChargeCommands } from './charge-scripts.ts';
import type { RedisHistory } from './redis-history.ts';
import type { RedisLeaves } from './redis-leaves.ts';
import type { RotationKeys } from './rotation-keys.ts';
import { type Costs, defineTurnCommands, type Limited, type Taken, toInteger } from './turn-scripts.ts';

export type RedisTurnsOptions = {
  redis: Redis | Cluster;
  /** The channel for news of rotations. */
  channel: string;
  rotationKeys: RotationKeys;
  history: RedisHistory;
  leaves: RedisLeaves;
  limits: AssignmentLimits;
};

/** A take, or a handover with its repeat key. */
export type TurnRequest = Take & Partial<Pick<HandOver, 'repeatKey' | 'repeatForMs'>>;

/** Runs the scripts of turns: as one step, or as steps in a cluster, where the caller and the leave are on other nodes. */
export const createRedisTurns = (options: RedisTurnsOptions) => {
  const { redis, channel, rotationKeys, history, leaves, limits } = options;
  const commands = defineTurnCommands(redis, limits);
  const callers = defineChargeCommands(redis);
  const writeAtEndOfTurn = createWriteBatching(redis);
  const maxKeys = toInteger(limits.keysPerPersonPerHour);
  const maxRotations = toInteger(limits.rotationsPerPersonPerHour);
  /** Whether one script can access a rotation, its caller and its leave. False in a cluster. */
  let isSingleSlot = true;

  const run = (
    mode: 'charge' | 'ask' | 'paid',
    { rotation, candidates, key, by, ...request }: TurnRequest,
  ): Promise<Taken> => {
    const keys = rotationKeys.of(rotation);
    const { people, onLeave } = keys.sealGroup(candidates);
    const isOneStep = mode === 'charge';
    const { repeatKey, repeatForMs = '' } = request;
    const entry = { key, by: request.callerId, kind: repeatKey === undefined ? 'assigned' : 'reassigned' } as const;
    const args = [
      keys.turns,
      keys.newKeys,
      // Only `charge` uses these two. In the other modes they must not be in another slot.
      isOneStep ? rotationKeys.caller(by) : keys.newKeys,
      keys.history,
      isOneStep ? keys.leave : keys.turns,
      ...(key === null ? [] : [keys.turnOf(key)]),
      mode,
      people,
      isOneStep ? onLeave : '',
      history.sealRest(rotation, entry),
      channel,
      keys.name,
    ];
    writeAtEndOfTurn();
    if (key === null) return commands.takeTurn(...args);
    if (repeatKey === undefined) return commands.takeTurnWithKey(...args);
    return commands.handTurnOver(...args, rotationKeys.repeat(repeatKey), repeatForMs);
  };

  const charge = (by: string, [, newKeys, newRotations]: Costs) =>
    callers.chargeCaller(rotationKeys.caller(by), newKeys, newRotations, maxKeys, maxRotations, assignmentWindowMs);

  /** Runs the call of a caller who was charged. Refunds the part of the charge that it did not cost. */
  const runPaid = async (request: TurnRequest, [, newKeys, newRotations]: Costs): Promise<Taken> => {
    const refund = async (paidKeys: number, paidRotations: number) => {
      const surplus = [newKeys - paidKeys, newRotations - paidRotations];
      const isAny = surplus.some((count) => count > 0);
      if (isAny) await callers.refundCaller(rotationKeys.caller(request.by), ...surplus);
    };
    const taken = await run('paid', request).catch(async (error: unknown) => {
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
  const charged = async (request: TurnRequest): Promise<Taken> => {
    let rejected: { by: Limited; cost: number } | null = null;
    for (;;) {
      const costs = await run('ask', request);
      if (costs[0] !== 'costs') return costs;
      const cost = costs[1] + costs[2];
      // A rejected call asks once more: parallel calls may have paid for its key or its rotation.
      if (rejected !== null && cost >= rejected.cost) return rejected.by;
      const outcome = await charge(request.by, costs);
      if (outcome[0] === 'charged') return runPaid(request, costs);
      rejected = { by: outcome, cost };
    }
  };

  /** Reads who is away first. A leave that begins meanwhile applies to the next turn. */
  const runInSteps = async (request: TurnRequest): Promise<Taken> => {
    const isAway = await leaves.whoIsAway(request.rotation, request.candidates);
    const candidates = request.candidates.filter((id) => !isAway.has(id));
    const taken = await charged({ ...request, candidates });
    // The script does not know the people who are away. Some of them may have had the key.
    return taken[0] === 'excluded' && isAway.size > 0 ? withAway(request, isAway) : taken;
  };

  const withAway = async (request: TurnRequest, isAway: ReadonlyMap<number, unknown>): Promise<Taken> => {
    const asked = await run('ask', { ...request, candidates: [...isAway.keys()] });
    return asked[0] === 'excluded' ? asked : ['away'];
  };

  return {
    /** In one atomic step, except the charge in a cluster. */
    async run(request: TurnRequest): Promise<Taken> {
      if (!isSingleSlot) return runInSteps(request);
      try {
        return await run('charge', request);
      } catch (error) {
        if (redisErrorCode((error as Error).message) !== 'CROSSSLOT') throw error;
        isSingleSlot = false;
        return runInSteps(request);
      }
    },

    reset: (rotation: string): Promise<number> => commands.resetTurns(rotationKeys.of(rotation).turns),
  };
};
