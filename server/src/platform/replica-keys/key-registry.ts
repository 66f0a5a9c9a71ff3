import type { Cluster, Redis } from 'ioredis';
import { type KeyFingerprints, readFingerprints } from './key-fingerprints.ts';

export type KeyRegistryOptions = {
  redis: Redis | Cluster;
  /** What every key in Redis begins with. */
  prefix: string;
};

/** Seconds until a silent replica no longer counts: three announcement intervals. */
const replicaCountsSeconds = 180;
/** More replicas than any deployment has. Bounds the entries that a crash loop leaves behind. */
const maxReplicas = 200;

/**
 * KEYS: the hash. ARGV: this replica, its fingerprints, how many seconds an entry counts, and the most entries. Stores
 * this replica's entry as `<seconds> <fingerprints>`, drops those that do not count any more, and answers the rest.
 * Times are those of Redis, so that clocks of replicas do not matter.
 */
const announceScript = `
local now = tonumber(redis.call('TIME')[1])
redis.call('HSET', KEYS[1], ARGV[1], string.format('%d %s', now, ARGV[2]))
redis.call('EXPIRE', KEYS[1], ARGV[3])
local fields = redis.call('HGETALL', KEYS[1])
local kept = {}
for at = 1, #fields, 2 do
  local seconds = tonumber(string.match(fields[at + 1], '^%d+')) or 0
  if math.abs(now - seconds) < tonumber(ARGV[3]) then kept[#kept + 1] = {fields[at], seconds, fields[at + 1]}
  else redis.call('HDEL', KEYS[1], fields[at]) end
end
table.sort(kept, function(a, b) return a[2] > b[2] end)
local answer = {}
for at = 1, #kept do
  if at <= tonumber(ARGV[4]) or kept[at][1] == ARGV[1] then
    answer[#answer + 1] = kept[at][1]
    answer[#answer + 1] = kept[at][3]
  else redis.call('HDEL', KEYS[1], kept[at][1]) end
end
return answer
`;

/** KEYS: the hash. Answers the seconds of Redis, then all fields and values. Changes nothing. */
const listScript = `
local answer = redis.call('HGETALL', KEYS[1])
table.insert(answer, 1, redis.call('TIME')[1])
return answer
`;

type Commands = {
  announceReplica: (hash: string, id: string, keys: string, seconds: number, most: number) => Promise<string[]>;
  listReplicas: (hash: string) => Promise<[seconds: string, ...entries: string[]]>;
};

type Entry = { id: string; seconds: number; keys: KeyFingerprints };

const toEntries = (fields: readonly string[]): Entry[] => {
  const entries: Entry[] = [];
  for (let at = 0; at + 1 < fields.length; at += 2) {
    const [id = '', value = ''] = fields.slice(at, at + 2);
    const space = value.indexOf(' ');
    const keys = readFingerprints(value.slice(space + 1));
    if (keys !== null) entries.push({ id, seconds: Number(value.slice(0, space)), keys });
  }
  return entries;
};

/**
 * The running replicas and the fingerprints of their keys, in one Redis hash. Its name is the only one that is not hashed
 * with the sealing key: replicas with different keys must find it, too. Rejects during an outage of Redis.
 */
export const createKeyRegistry = ({ redis, prefix }: KeyRegistryOptions) => {
  const hash = `${prefix}replicas:keys`;
  redis.defineCommand('announceReplica' satisfies keyof Commands, { numberOfKeys: 1, lua: announceScript });
  redis.defineCommand('listReplicas' satisfies keyof Commands, { numberOfKeys: 1, lua: listScript });
  const commands = redis as unknown as Commands;
  return {
    /** Runs a task whenever Redis becomes ready. */
    onReady: (task: () => void): void => void redis.on('ready', task),
    /** Announces this replica and its keys. Resolves to the keys of the others. */
    async announce(id: string, keys: KeyFingerprints): Promise<KeyFingerprints[]> {
      const text = JSON.stringify(keys);
      const fields = await commands.announceReplica(hash, id, text, replicaCountsSeconds, maxReplicas);
      return toEntries(fields)
        .filter((entry) => entry.id !== id)
        .map((entry) => entry.keys);
    },
    /** The keys of all running replicas. */
    async list(): Promise<KeyFingerprints[]> {
      const [nowSeconds, ...fields] = await commands.listReplicas(hash);
      return toEntries(fields)
        .filter(({ seconds }) => Math.abs(Number(nowSeconds) - seconds) < replicaCountsSeconds)
        .map((entry) => entry.keys);
    },
    /** Removes this replica. */
    async remove(id: string): Promise<void> {
      await redis.hdel(hash, id);
    },
  };
};

export type KeyRegistry = ReturnType<typeof createKeyRegistry>;
