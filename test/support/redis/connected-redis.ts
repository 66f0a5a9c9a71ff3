import { createRedis, type RedisConnection } from '../../../server/src/platform/redis/redis.ts';
import { silentLog } from '../output/silent-log.ts';
import { startRedis } from './redis.ts';

/** Milliseconds that a command may take: longer than any machine takes. */
const timeoutMs = 60_000;

/** Opens a connection as the BFF does. */
export const connectRedis = async (url: string): Promise<RedisConnection> => {
  const connection = createRedis({ url, log: silentLog, timeoutMs });
  await connection.untilReady();
  return connection;
};

/** Starts a Redis server, with a connection as the BFF opens it. */
export const startConnectedRedis = async () => {
  const server = await startRedis();
  const connection = await connectRedis(server.url);
  return {
    server,
    connection,
    async [Symbol.asyncDispose]() {
      connection.close();
      await server[Symbol.asyncDispose]();
    },
  };
};
