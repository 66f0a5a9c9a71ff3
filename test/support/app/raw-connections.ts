import { createRawConnection, type RawConnection } from './raw-connection.ts';
import type { RawAnswer, RawRequest } from './raw-request.ts';

/** Kept connections to an app, one more for each request that is sent beside others. The app closes them when it ends. */
export const createRawConnections = (url: string) => {
  const idle: RawConnection[] = [];
  return async (request: RawRequest): Promise<RawAnswer> => {
    const connection = idle.pop() ?? createRawConnection(url);
    const answer = await connection.ask(request);
    idle.push(connection);
    return answer;
  };
};
