import { redisErrorCode } from '../../platform/redis/redis-errors.ts';
import { defineChargeCommands } from './charge-scripts.ts';
import type { RedisLeaves } from './redis-leaves.ts';
import { toInteger } from './rotation-functions.ts';
import { type Costs, type Limited, type Taken, toTaken } from './taken.ts';
import { createTurnCalls, type TurnCallsOptions, type TurnRequest } from './turn-calls.ts';

export type RedisTurnsOptions = TurnCallsOptions & { leaves: RedisLeaves };

/** Runs the scripts of turns: as one step, or as steps in a cluster, where the caller and the leave are on other nodes. */
export const createRedisTurns = (options: RedisTurnsOptions) => {
  const { redis, rotationKeys, leaves, limits } = options;
  const { run, reset } = createTurnCalls(options);
  const callers = defineChargeCommands(redis);
  const maxKeys = toInteger(limits.keysPerPersonPerHour);
  const maxRotations = toInteger(limits.rotationsPerPersonPerHour);
  /** Whether one script can access a rotation, its caller and its leave. False in a cluster. */
  let isSingleSlot = true;

  const charge = async (by: string, [, newKeys, newRotations]: Costs) =>
    toTaken(await callers.chargeCaller(rotationKeys.caller(by), newKeys, newRotations, maxKeys, maxRotations));

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
      if (outcome[0] !== 'limited') return outcome;
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

    reset,
  };
};
