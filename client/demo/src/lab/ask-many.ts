import type { AuthClient } from '@auth-bff/client';

const ids = [1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16, 18, 19, 20, 23, 24];
const apartMs = 4;
const pause = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));

export type Asked = { answered: number; of: number; ms: number };

/** Sends twenty queries 4 ms apart, so that they are not batched. Returns the number of successes. */
export const askMany = async (trpc: AuthClient['trpc']): Promise<Asked> => {
  const startedAtMs = performance.now();
  const outcomes = await Promise.allSettled(
    ids.map(async (id, index) => {
      await pause(index * apartMs);
      return trpc.users.byId.query({ id });
    }),
  );
  const answered = outcomes.filter(({ status }) => status === 'fulfilled').length;
  return { answered, of: ids.length, ms: Math.round(performance.now() - startedAtMs) };
};
