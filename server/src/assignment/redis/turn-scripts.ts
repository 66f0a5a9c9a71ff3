import type { Cluster, Redis } from 'ioredis';
import type { AssignmentLimits } from '../assignment-limits.ts';
import { rotationTtlMs } from '../assignment-store.ts';
import { handOverScript } from './hand-over-script.ts';
import { takeScript } from './take-script.ts';

/** KEYS: the turns of the rotation. Numbers continue, so that those of keys stay unique. */
const resetScript = `
local total = redis.call('HGET', KEYS[1], 'turns')
if not total then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'turns', total, 'reset', total)
redis.call('PEXPIRE', KEYS[1], ${rotationTtlMs})
return 1
`;

type Arguments = Array<string | number>;
type TurnCommands = {
  /** Begins with the number of keys. The replies are for `toTaken`. */
  takeTurns: (...args: Arguments) => Promise<string[]>;
  handTurnOver: (...args: Arguments) => Promise<string>;
  resetTurns: (turns: string) => Promise<number>;
};

/** Defines the scripts as commands of the client. It sends their hash, and the text only if Redis does not know it. */
export const defineTurnCommands = (redis: Redis | Cluster, limits: AssignmentLimits): TurnCommands => {
  redis.defineCommand('takeTurns' satisfies keyof TurnCommands, { lua: takeScript(limits) });
  redis.defineCommand('handTurnOver' satisfies keyof TurnCommands, { numberOfKeys: 6, lua: handOverScript(limits) });
  redis.defineCommand('resetTurns' satisfies keyof TurnCommands, { numberOfKeys: 1, lua: resetScript });
  return redis as unknown as TurnCommands;
};
