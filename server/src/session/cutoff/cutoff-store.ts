import type { Cluster, Redis } from 'ioredis';

/** KEYS: the cutoff. ARGV: its time and its TTL, in milliseconds. A cutoff only grows. */
const raiseScript = `
local stored = redis.call('GET', KEYS[1])
if not stored or tonumber(stored) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1
`;

type CutoffCommands = { raiseCutoff: (key: string, cutoffMs: number, ttlMs: number) => Promise<number> };

export type CutoffStoreOptions = {
  redis: Redis | Cluster;
  /** The prefix of all keys. */
  prefix: string;
  /** The longest lifetime of a token, in milliseconds: after it, a cutoff reaches nothing any more. */
  maxTtlMs: number;
};

/** The key of a cutoff, by the name of its person. */
export const cutoffKeyOf = (prefix: string, name: string): string => `${prefix}cutoff:${name}`;

/** Cutoffs in Redis. All methods reject with the errors of Redis. */
export const createCutoffStore = ({ redis, prefix, maxTtlMs }: CutoffStoreOptions) => {
  redis.defineCommand('raiseCutoff' satisfies keyof CutoffCommands, { numberOfKeys: 1, lua: raiseScript });
  const commands = redis as unknown as CutoffCommands;

  return {
    raise: (name: string, cutoffMs: number): Promise<number> =>
      commands.raiseCutoff(cutoffKeyOf(prefix, name), cutoffMs, maxTtlMs),
    /** The stored cutoff. Empty: there is none. */
    read: async (name: string): Promise<string> => (await redis.get(cutoffKeyOf(prefix, name))) ?? '',
  };
};

export type CutoffStore = ReturnType<typeof createCutoffStore>;
