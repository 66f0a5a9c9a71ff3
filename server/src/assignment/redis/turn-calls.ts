import type { Cluster, Redis } from 'ioredis';
import { createWriteBatching, writeTogether } from '../../platform/redis/write-batching.ts';
import type { AssignmentLimits } from '../assignment-limits.ts';
import type { HandOver, Rotation, Take } from '../assignment-store.ts';
import type { RedisHistory } from './redis-history.ts';
import type { RotationKeys, SealedGroup } from './rotation-keys.ts';
import { createTakeBatches } from './take-batches.ts';
import { type Taken, toTaken } from './taken.ts';
import { defineTurnCommands } from './turn-scripts.ts';

export type TurnCallsOptions = {
  redis: Redis | Cluster;
  /** The channel for news of rotations. */
  channel: string;
  rotationKeys: RotationKeys;
  history: RedisHistory;
  limits: AssignmentLimits;
};

export type TurnRequest = Take | HandOver;
/** See `rotationFunctions`. */
export type TurnMode = 'charge' | 'ask' | 'paid';
type Keys = ReturnType<RotationKeys['of']>;

// Only `charge` uses the leave and the caller. In the other modes, these two must not be in another slot.
const keysOf = ({ turns, newKeys, history, leave }: Keys, mode: TurnMode) => [
  turns,
  newKeys,
  history,
  mode === 'charge' ? leave : turns,
];

/** Calls the scripts of turns. */
export const createTurnCalls = ({ redis, channel, rotationKeys, history, limits }: TurnCallsOptions) => {
  const commands = defineTurnCommands(redis, limits);
  const writeAtEndOfTurn = createWriteBatching(redis);
  const argsOf = ({ name }: Keys, mode: TurnMode, { people, onLeave }: SealedGroup) => [
    mode,
    people,
    mode === 'charge' ? onLeave : '',
    channel,
    name,
  ];
  const windowOf = ({ newKeys }: Keys, mode: TurnMode, by: string) =>
    mode === 'charge' ? rotationKeys.caller(by) : newKeys;

  const takeAll = async (mode: TurnMode, group: SealedGroup, calls: readonly Take[]): Promise<Taken[]> => {
    const rotation = calls[0]?.rotation ?? '';
    const keys = rotationKeys.of(rotation);
    const ofCalls = calls.flatMap(({ key, by }) => [
      windowOf(keys, mode, by),
      key === null ? keys.turns : keys.turnOf(key),
    ]);
    const replies = await commands.takeTurns(
      4 + ofCalls.length,
      ...keysOf(keys, mode),
      ...ofCalls,
      ...argsOf(keys, mode, group),
      ...calls.map(({ key, callerId }) => history.sealRest(rotation, { key, by: callerId, kind: 'assigned' })),
    );
    return replies.map(toTaken);
  };
  const takeTogether = createTakeBatches({
    send: (group, calls) => takeAll('charge', group, calls),
    writeTogether: (sendAll) => writeTogether(redis, sendAll),
  });

  const handOver = async (
    mode: TurnMode,
    { rotation, candidates, key, by, callerId, repeatKey, repeatForMs }: HandOver,
  ) => {
    const keys = rotationKeys.of(rotation);
    writeAtEndOfTurn();
    const reply = await commands.handTurnOver(
      ...keysOf(keys, mode),
      windowOf(keys, mode, by),
      keys.turnOf(key),
      ...argsOf(keys, mode, keys.sealGroup(candidates)),
      history.sealRest(rotation, { key, by: callerId, kind: 'reassigned' }),
      rotationKeys.repeat(repeatKey),
      repeatForMs ?? '',
    );
    return toTaken(reply);
  };

  /** Turns that are taken in mode `charge` share a script. */
  const run = async (mode: TurnMode, request: TurnRequest): Promise<Taken> => {
    if ('repeatKey' in request) return handOver(mode, request);
    const group = rotationKeys.of(request.rotation).sealGroup(request.candidates);
    if (mode === 'charge') return takeTogether(group, request);
    const [taken = ['nobody']] = await takeAll(mode, group, [request]);
    return taken;
  };

  return {
    run,
    reset: (rotation: Rotation): Promise<number> => commands.resetTurns(rotationKeys.of(rotation).turns),
  };
};
