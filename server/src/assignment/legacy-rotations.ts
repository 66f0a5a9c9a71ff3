import type { Cluster, Redis } from 'ioredis';
import { createBoundedMap } from '../platform/bounded-map.ts';
import { defaultRedisPrefix } from '../config/redis-prefix.ts';
import { redisErrorCode } from '../platform/redis/redis-errors.ts';
import { keyTtlMs, type Rotation, rotationTtlMs } from './assignment-store.ts';
import type { RotationKeys } from './rotation-keys.ts';

export type LegacyRotationsOptions = {
  redis: Redis | Cluster;
  /** What the keys of this environment begin with. */
  prefix: string;
  turnKeys: RotationKeys;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

/** Replicas of the earlier version may run for a while beside this one, and write the earlier format. */
const lookEveryMs = 60_000;
const maxRounds = 5;
const scanCount = 500;

/**
 * KEYS: a rotation's turns. ARGV: how long they live at least, in milliseconds, then fields and numbers. A number that is
 * there stays if it is larger, so the step may be repeated, by any replica, after more turns.
 */
const mergeScript = `
for at = 2, #ARGV, 2 do
  if tonumber(redis.call('HGET', KEYS[1], ARGV[at]) or 0) < tonumber(ARGV[at + 1]) then
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
  end
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 1
`;

/** KEYS: a rotation in the earlier format. ARGV: its number of turns when it was read. Drops it unless there are more. */
const dropScript = `
if (redis.call('HGET', KEYS[1], 'turns') or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
`;

type Commands = {
  mergeTurns: (turns: string, ttlMs: number, ...numbers: Array<string | number>) => Promise<number>;
  dropEarlierTurns: (turns: string, seen: string) => Promise<number>;
};

/** The earlier name of a rotation, which was normalized, and in lower case by the rules of Unicode. */
const earlierNameOf = (rotation: Rotation): string =>
  rotation
    .split('/')
    .map((part) => encodeURIComponent(decodeURIComponent(part).normalize('NFC').toLowerCase()))
    .join('/');

const earlierKeysOf = (prefix: string, rotation: Rotation) => {
  const name = earlierNameOf(rotation);
  const given = `${prefix}given:{${name}}:`;
  return { turns: `${prefix}turns:{${name}}`, given, pattern: `${given.replaceAll(/[*?[\]\\]/g, String.raw`\$&`)}*` };
};

const isPersonId = (id: number) => Number.isSafeInteger(id) && id > 0;

/**
 * Moves rotations of the earlier format, whose names and people were readable, into this one: the order, and the keys
 * with what is left of their 24 hours. In a cluster both lie on different nodes, so there is no single step. Keys come
 * first, then the turns, and the earlier rotation is dropped last, unless it has had another turn meanwhile. Until then
 * every replica finds it and repeats the same steps before it uses the rotation, so none goes on without them.
 *
 * An environment moves what lies under its own prefix. What lies under the default prefix it copies, once, for a
 * rotation that it does not have yet: another environment may own it.
 */
export const createLegacyRotations = ({ redis, prefix, turnKeys, monotonicNow }: LegacyRotationsOptions) => {
  redis.defineCommand('mergeTurns' satisfies keyof Commands, { numberOfKeys: 1, lua: mergeScript });
  redis.defineCommand('dropEarlierTurns' satisfies keyof Commands, { numberOfKeys: 1, lua: dropScript });
  const commands = redis as unknown as Commands;
  const looked = createBoundedMap<Rotation, { atMs: number; done: Promise<void> }>(10_000);

  /** All keys that match, some at a time. */
  async function* scan(pattern: string): AsyncGenerator<string[]> {
    for (const node of 'nodes' in redis ? redis.nodes('master') : [redis]) {
      let cursor = '0';
      do {
        const [next, found] = await node.scan(cursor, 'MATCH', pattern, 'COUNT', scanCount);
        cursor = next;
        yield found;
      } while (cursor !== '0');
    }
  }

  const copyGiven = async (rotation: Rotation, earlier: string, assignmentKey: string): Promise<void> => {
    const [assignee, leftMs] = await Promise.all([redis.get(earlier), redis.pttl(earlier)]);
    if (assignee === null || !isPersonId(Number(assignee))) return;
    const [sealed = ''] = turnKeys.seal(rotation, [Number(assignee)]);
    const ttlMs = leftMs > 0 ? leftMs : keyTtlMs;
    await redis.set(turnKeys.of(rotation).given(assignmentKey), sealed, 'PX', ttlMs, 'NX');
  };

  const copyKeys = async (
    rotation: Rotation,
    { given, pattern }: ReturnType<typeof earlierKeysOf>,
    { isMove }: { isMove: boolean },
  ): Promise<void> => {
    for await (const found of scan(pattern)) {
      await Promise.all(
        found.map(async (key) => {
          await copyGiven(rotation, key, key.slice(given.length));
          if (isMove) await redis.del(key);
        }),
      );
    }
  };

  const copyTurns = async (rotation: Rotation, earlier: string, numbers: Record<string, string>): Promise<void> => {
    const people = Object.keys(numbers).map(Number).filter(isPersonId);
    const sealed = turnKeys.seal(rotation, people);
    const turnOf = (field: string | number) => Number(numbers[field] ?? 0);
    const turns = Math.max(turnOf('turns'), ...people.map(turnOf));
    const fields = people.flatMap((id, index) => [sealed[index] ?? '', turnOf(id)]);
    const leftMs = await redis.pttl(earlier);
    await commands.mergeTurns(
      turnKeys.of(rotation).turns,
      leftMs > 0 ? leftMs : rotationTtlMs,
      'turns',
      turns,
      ...fields,
    );
  };

  const moveOwn = async (rotation: Rotation): Promise<void> => {
    const earlier = earlierKeysOf(prefix, rotation);
    for (let round = 0; round < maxRounds; round += 1) {
      const numbers = await redis.hgetall(earlier.turns);
      if (Object.keys(numbers).length === 0) return;
      await copyKeys(rotation, earlier, { isMove: true });
      await copyTurns(rotation, earlier.turns, numbers);
      if ((await commands.dropEarlierTurns(earlier.turns, numbers.turns ?? '')) === 1) return;
    }
  };

  const copyDefault = async (rotation: Rotation): Promise<void> => {
    if ((await redis.exists(turnKeys.of(rotation).turns)) === 1) return;
    const earlier = earlierKeysOf(defaultRedisPrefix, rotation);
    const numbers = await redis.hgetall(earlier.turns).catch((error: Error) => {
      // A user of Redis that may use this environment's keys alone.
      if (redisErrorCode(error.message) === 'NOPERM') return {};
      throw error;
    });
    if (Object.keys(numbers).length === 0) return;
    await copyKeys(rotation, earlier, { isMove: false });
    await copyTurns(rotation, earlier.turns, numbers);
  };

  const adopt = async (rotation: Rotation): Promise<void> => {
    await moveOwn(rotation);
    if (prefix !== defaultRedisPrefix) await copyDefault(rotation);
  };

  return {
    /** Resolves when the rotation may be used. Rejects with the error of Redis. */
    adopt(rotation: Rotation): Promise<void> {
      const last = looked.get(rotation);
      if (last !== undefined && monotonicNow() - last.atMs < lookEveryMs) return last.done;
      const done = adopt(rotation);
      looked.set(rotation, { atMs: monotonicNow(), done });
      done.catch(() => looked.delete(rotation));
      return done;
    },
  };
};
