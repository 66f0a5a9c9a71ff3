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

  return {
    redis,
    /** The command's answer, or null where there is none. Never rejects. */
    async ask<Answer extends object | string | number>(command: () => Promise<Answer>): Promise<Answer | null> {
      if (clock() < restsUntilMs) return null;
      const answer = await new Promise<Answer | null>((resolve) => {
        const timer = setTimeout(resolve, patienceMs, null);
        const settle = (value: Answer | null) => {
          clearTimeout(timer);
          resolve(value);
        };
        command().then(settle, () => settle(null));
      });
      if (answer === null) restsUntilMs = clock() + restMs;
      return answer;
    },
  };
};

export type OptionalRedis = ReturnType<typeof createOptionalRedis>;
