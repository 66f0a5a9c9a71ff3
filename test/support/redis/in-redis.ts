import { Redis } from 'ioredis';

/** Runs a function with a Redis client of the test, separate from the BFF's, and disconnects the client. */
export const inRedis = async <Result>(
  { url }: { url: string },
  use: (client: Redis) => Promise<Result>,
): Promise<Result> => {
  const client = new Redis(url);
  // A server that is not up yet: the client tries again.
  client.on('error', () => {});
  try {
    return await use(client);
  } finally {
    client.disconnect();
  }
};
