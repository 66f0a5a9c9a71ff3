import type { Leave } from '@auth-bff/shared';
import type { Cluster, Redis } from 'ioredis';
import { type LeaveSystem, maxLeaves, type Rotation, systemOf } from '../assignment-store.ts';
import { tooManyLeaves, untilHasPassed } from '../leave-errors.ts';
import { defineLeaveCommands } from './leave-scripts.ts';
import type { RotationKeys } from './rotation-keys.ts';
import { createTextSeal } from './text-seal.ts';

export type RedisLeavesOptions = {
  redis: Redis | Cluster;
  rotationKeys: RotationKeys;
  sealingSecret: string;
};

/** Later ends, which only another program can write, are none: no date can hold them. */
const maxDateMs = 8.64e15;

/** Who is away: a hash for each system. Notes are sealed for the system and the person. */
export const createRedisLeaves = ({ redis, rotationKeys, sealingSecret }: RedisLeavesOptions) => {
  const commands = defineLeaveCommands(redis);
  const seal = createTextSeal({ sealingSecret, purpose: 'auth-bff notes of leave' });
  const contextOf = (system: LeaveSystem, id: number) => `${id}/${system}`;

  const toLeave = (system: LeaveSystem, id: number, stored: string): Leave => {
    const [until = '0', note = ''] = stored.split(':');
    return {
      until: until === '0' || Number(until) > maxDateMs ? null : new Date(Number(until)),
      note: note === '' ? null : seal.open(contextOf(system, id), note),
    };
  };

  return {
    /** The leaves of these people that have not ended, by the clock of Redis. */
    async whoIsAway(rotation: Rotation, ids: readonly number[]): Promise<Map<number, Leave>> {
      if (ids.length === 0) return new Map();
      const { leave, sealGroup } = rotationKeys.of(rotation);
      const stored = await commands.readLeaves(leave, sealGroup(ids).onLeave);
      const system = systemOf(rotation);
      return new Map(
        stored.flatMap((text, index) => {
          const id = ids[index];
          return text === '' || id === undefined ? [] : [[id, toLeave(system, id, text)] as const];
        }),
      );
    },

    async set(system: LeaveSystem, id: number, leave: Leave | null): Promise<void> {
      const [key, person] = rotationKeys.leaveOf(system, id);
      const note = leave?.note ? seal.seal(contextOf(system, id), leave.note) : '';
      const text = leave === null ? '' : `${leave.until === null ? 0 : Math.max(1, leave.until.getTime())}:${note}`;
      const outcome = await commands.setLeave(key, person, text, maxLeaves);
      if (outcome === 'past') throw untilHasPassed();
      if (outcome === 'full') throw tooManyLeaves();
    },
  };
};

export type RedisLeaves = ReturnType<typeof createRedisLeaves>;
