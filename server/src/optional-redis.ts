import type { Cluster, Redis } from 'ioredis';

export type OptionalRedisOptions = {
  redis: Redis | Cluster;
  /** Milliseconds of a clock that only goes forward. Default `performance.now`. */
  clock?: (() => number) | undefined;
  /** How long a command is waited for. Default 250 ms. */
  patienceMs?: number;
  /** How long nothing is asked after a command that failed. Default 1,000 ms. */
  restMs?: number;
};

/**
 * Redis for what can do without it for a while: where it is away or hangs, the answer is null, and soon. One caller
 * a second finds out whether it is back, and no other waits.
 */
export const createOptionalRedis = (options: OptionalRedisOptions) => {
  const { redis, clock = () => performance.now(), patienceMs = 250, restMs = 1_000 } = options;
  let restsUntilMs = Number.NEGATIVE_INFINITY;

  const answerOf = <Answer>(command: () => Promise<Answer>, waitMs: number): Promise<Answer | null> =>
    new Promise((resolve) => {
      // Of a process that was busy for so long the answer may have come, and be read in this very turn.
      const timer = setTimeout(() => setImmediate(resolve, null), waitMs);
      const settle = (value: Answer | null) => {
        clearTimeout(timer);
        resolve(value);
      };
      // A command may also throw at once, as one of a client that was closed does.
      Promise.resolve()
        .then(command)
        .then(settle, () => settle(null));
    });

  return {
    redis,
    /**
     * The command's answer, or null where there is none. Never rejects. `insists`: asks also right after a failure, and
     * waits four times as long, for where to go on without an answer may cost a session.
     */
    async ask<Answer extends object | string | number>(
      command: () => Promise<Answer>,
      { insists = false }: { insists?: boolean } = {},
    ): Promise<Answer | null> {
      if (!insists && clock() < restsUntilMs) return null;
      const answer = await answerOf(command, insists ? 4 * patienceMs : patienceMs);
      if (answer === null) restsUntilMs = clock() + restMs;
      return answer;
    },
  };
};

export type OptionalRedis = ReturnType<typeof createOptionalRedis>;
