import type { Cluster, Redis } from 'ioredis';
import { createBoundedMap } from '../../platform/bounded-map.ts';
import { defaultRedisPrefix } from '../../config/redis-prefix.ts';
import { redisErrorCode } from '../../platform/redis/redis-errors.ts';
import { keyTtlMs, type Rotation, rotationTtlMs } from '../assignment-store.ts';
import type { RotationKeys } from './rotation-keys.ts';

export type LegacyRotationsOptions = {
  redis: Redis | Cluster;
  /** The prefix of this environment's keys. */
  prefix: string;
  rotationKeys: RotationKeys;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

/** During a rolling upgrade, replicas of the earlier version still write the earlier format. */
const checkIntervalMs = 60_000;
const maxRounds = 5;
const scanCount = 500;

/**
 * KEYS: the turns of a rotation. ARGV: their minimum TTL in milliseconds, then pairs of a field and a number. A larger stored
 * number is kept, so that any replica may repeat this step, even after further turns. Turns before the last reset are
 * left out.
 */
const mergeScript = `
local resetAt = tonumber(redis.call('HGET', KEYS[1], 'reset') or 0)
for at = 2, #ARGV, 2 do
  local number = tonumber(ARGV[at + 1])
  local isForgotten = ARGV[at] ~= 'turns' and number <= resetAt
  if not isForgotten and tonumber(redis.call('HGET', KEYS[1], ARGV[at]) or 0) < number then
    redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 1])
  end
end
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
return 1
`;

/** KEYS: a rotation in the earlier format. ARGV: its number of turns when it was read. Deletes it unless it has had more turns. */
const dropScript = `
if (redis.call('HGET', KEYS[1], 'turns') or '') ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
`;

type Commands = {
  mergeTurns: (turns: string, ttlMs: number, ...numbers: Array<string | number>) => Promise<number>;
  dropLegacyTurns: (turns: string, seen: string) => Promise<number>;
};

/** The name of a rotation in the earlier format: normalized, and in lower case by the rules of Unicode. */
const legacyNameOf = (rotation: Rotation): string =>
  rotation
    .split('/')
    .map((part) => encodeURIComponent(decodeURIComponent(part).normalize('NFC').toLowerCase()))
    .join('/');

const legacyKeysOf = (prefix: string, rotation: Rotation) => {
  const name = legacyNameOf(rotation);
  const given = `${prefix}given:{${name}}:`;
  return { turns: `${prefix}turns:{${name}}`, given, pattern: `${given.replaceAll(/[*?[\]\\]/g, String.raw`\$&`)}*` };
};

const isPersonId = (id: number) => Number.isSafeInteger(id) && id > 0;

/**
 * Migrates rotations from the earlier format, in which names and people were readable: the order of the turns, and the keys
 * with the rest of their 24 hours. In a cluster the two formats are on different nodes, so that the migration is not atomic.
 * It copies the keys, then the turns, and finally deletes the earlier rotation, unless that has had another turn meanwhile.
 * Until then every replica repeats the same steps before it uses the rotation.
 *
 * An environment moves the rotations under its own prefix. It only copies those under the default prefix, once for each
 * rotation that it does not have yet, because another environment may own them.
 */
export const createLegacyRotations = ({ redis, prefix, rotationKeys, monotonicNow }: LegacyRotationsOptions) => {
  redis.defineCommand('mergeTurns' satisfies keyof Commands, { numberOfKeys: 1, lua: mergeScript });
  redis.defineCommand('dropLegacyTurns' satisfies keyof Commands, { numberOfKeys: 1, lua: dropScript });
  const commands = redis as unknown as Commands;
  const checked = createBoundedMap<Rotation, { atMs: number; done: Promise<void> }>(10_000);

  /** Yields all matching keys in batches. */
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

  const copyAssignee = async (rotation: Rotation, earlier: string, assignmentKey: string): Promise<void> => {
    const [assignee, leftMs] = await Promise.all([redis.get(earlier), redis.pttl(earlier)]);
    if (assignee === null || !isPersonId(Number(assignee))) return;
    const [sealed = ''] = rotationKeys.seal(rotation, [Number(assignee)]);
    const ttlMs = leftMs > 0 ? leftMs : keyTtlMs;
    await redis.set(rotationKeys.of(rotation).turnOf(assignmentKey), sealed, 'PX', ttlMs, 'NX');
  };

  const copyKeys = async (
    rotation: Rotation,
    { given, pattern }: ReturnType<typeof legacyKeysOf>,
    { isMove }: { isMove: boolean },
  ): Promise<void> => {
    for await (const found of scan(pattern)) {
      await Promise.all(
        found.map(async (key) => {
          await copyAssignee(rotation, key, key.slice(given.length));
          if (isMove) await redis.del(key);
        }),
      );
    }
  };

  const copyTurns = async (rotation: Rotation, earlier: string, numbers: Record<string, string>): Promise<void> => {
    const people = Object.keys(numbers).map(Number).filter(isPersonId);
    const sealed = rotationKeys.seal(rotation, people);
    const turnOf = (field: string | number) => Number(numbers[field] ?? 0);
    const turns = Math.max(turnOf('turns'), ...people.map(turnOf));
    const fields = people.flatMap((id, index) => [sealed[index] ?? '', turnOf(id)]);
    const leftMs = await redis.pttl(earlier);
    await commands.mergeTurns(
      rotationKeys.of(rotation).turns,
      leftMs > 0 ? leftMs : rotationTtlMs,
      'turns',
      turns,
      ...fields,
    );
  };

  const moveOwn = async (rotation: Rotation): Promise<void> => {
    const earlier = legacyKeysOf(prefix, rotation);
    for (let round = 0; round < maxRounds; round += 1) {
      const numbers = await redis.hgetall(earlier.turns);
      if (Object.keys(numbers).length === 0) return;
      await copyKeys(rotation, earlier, { isMove: true });
      await copyTurns(rotation, earlier.turns, numbers);
      if ((await commands.dropLegacyTurns(earlier.turns, numbers.turns ?? '')) === 1) return;
    }
  };

  const copyDefault = async (rotation: Rotation): Promise<void> => {
    if ((await redis.exists(rotationKeys.of(rotation).turns)) === 1) return;
    const earlier = legacyKeysOf(defaultRedisPrefix, rotation);
    const numbers = await redis.hgetall(earlier.turns).catch((error: Error) => {
      // The Redis user may access only the keys of this environment.
      if (redisErrorCode(error.message) === 'NOPERM') return {};
      throw error;
    });
    if (Object.keys(numbers).length === 0) return;
    await copyKeys(rotation, earlier, { isMove: false });
    await copyTurns(rotation, earlier.turns, numbers);
  };

  const migrate = async (rotation: Rotation): Promise<void> => {
    await moveOwn(rotation);
    if (prefix !== defaultRedisPrefix) await copyDefault(rotation);
  };

  return {
    /** Resolves when the rotation may be used. Rejects with the error of Redis. */
    migrate(rotation: Rotation): Promise<void> {
      const last = checked.get(rotation);
      if (last !== undefined && monotonicNow() - last.atMs < checkIntervalMs) return last.done;
      const done = migrate(rotation);
      checked.set(rotation, { atMs: monotonicNow(), done });
      done.catch(() => checked.delete(rotation));
      return done;
    },
  };
};
