import type { Cluster, Redis } from 'ioredis';
import type { StartTimer } from '../start-timer.ts';
import { askWithCause } from './ask-with-cause.ts';
import type { RedisGuard } from './redis-guard.ts';

export type WriteCheckOptions = {
  redis: Redis | Cluster;
  /** Runs a command with the guard's timeout. */
  guard: Pick<RedisGuard, 'ask'>;
  /** Start of every key. */
  prefix: string;
  startTimer: StartTimer;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
  /** Whether Redis is known to be down or to hang. */
  isAway: () => boolean;
  /** Called when Redis accepts writes after it refused them. */
  onAccepted?: () => void;
};

/** Milliseconds between two checks, while all is well and otherwise. */
const everyMs = 30_000;
const retryMs = 1_000;
const keyTtlMs = 60_000;
/** In a cluster, one of these keys is on each of three masters, most probably. */
const clusterKeys = 16;

/** KEYS: the key. ARGV: its lifetime in milliseconds. */
export const writeCheckScript = `return redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])`;

/** The keys that a check writes. They mean nothing, and expire within a minute. */
export const writeCheckKeys = (redis: Redis | Cluster, prefix: string): string[] =>
  redis.isCluster
    ? Array.from({ length: clusterKeys }, (_, index) => `${prefix}write-check:${index}`)
    : [`${prefix}write-check`];

type Commands = { checkWrite: (key: string, ttlMs: number) => Promise<string> };

/** Writes each key by a script, as all writes of the BFF do. Rejects with the first error reply. */
export const checkWrites = async (redis: Redis | Cluster, prefix: string): Promise<'OK'> => {
  redis.defineCommand('checkWrite' satisfies keyof Commands, { numberOfKeys: 1, lua: writeCheckScript });
  const commands = redis as unknown as Commands;
  await Promise.all(writeCheckKeys(redis, prefix).map((key) => commands.checkWrite(key, keyTtlMs)));
  return 'OK';
};

/**
 * Finds out whether Redis runs scripts that write: a full, read-only or blocked Redis, or one that forbids scripts, still
 * answers PING. Checks at start, after each reconnect and every 30 s; every second while Redis refuses or is away.
 */
export const createWriteCheck = (options: WriteCheckOptions) => {
  const { redis, guard, prefix, startTimer, monotonicNow, isAway, onAccepted } = options;
  let isRefusing = false;
  let checkedAtMs = Number.NEGATIVE_INFINITY;
  let isClosed = false;
  let running: Promise<void> | null = null;
  let isRepeated = false;
  let cancelTimer = () => {};

  /** Without any reply, Redis is away, and nothing is known about its writes. */
  const write = async (): Promise<void> => {
    const { reply, errorReply } = await askWithCause(guard, () => checkWrites(redis, prefix), { critical: true });
    const wasRefusing = isRefusing;
    if (reply !== null) isRefusing = false;
    else if (errorReply !== null) isRefusing = true;
    if (wasRefusing && !isRefusing && !isClosed) onAccepted?.();
  };

  const check = async (): Promise<void> => {
    cancelTimer();
    checkedAtMs = monotonicNow();
    // While Redis is not connected, the next connection is checked.
    if (redis.status === 'ready') await write();
    if (isClosed) return;
    cancelTimer = startTimer(() => void run(), isRefusing || isAway() ? retryMs : everyMs);
  };

  /** Checks now, or once more after the check that runs. */
  const run = (): Promise<void> => {
    if (isClosed) return Promise.resolve();
    if (running !== null) {
      isRepeated = true;
      return running;
    }
    running = check().finally(() => {
      running = null;
      if (!isRepeated) return;
      isRepeated = false;
      void run();
    });
    return running;
  };

  return {
    isRefusing: () => isRefusing,
    /** Begins to check. Resolves after the first check. */
    start(): Promise<void> {
      redis.on('ready', () => void run());
      return run();
    },
    /** Checks because Redis rejected another command, at most once a second. */
    noteRejection(): void {
      if (!isRefusing && running === null && monotonicNow() - checkedAtMs >= retryMs) void run();
    },
    close(): void {
      isClosed = true;
      cancelTimer();
    },
  };
};

export type WriteCheck = ReturnType<typeof createWriteCheck>;
