import { createRawConnection, type RawConnection } from './raw-connection.ts';
import type { RawAnswer, RawRequest } from './raw-request.ts';

/** As many connections to an app as requests are sent at once, each kept for the next request. */
export const createRawConnections = (url: string) => {
  const all: RawConnection[] = [];
  const idle: RawConnection[] = [];

  const open = (): RawConnection => {
    const opened = createRawConnection(url);
    all.push(opened);
    return opened;
  };

  return {
    async ask(request: RawRequest): Promise<RawAnswer> {
      const connection = idle.pop() ?? open();
      try {
        return await connection.ask(request);
      } finally {
        idle.push(connection);
      }
    },
    [Symbol.dispose](): void {
      for (const connection of all) connection.close();
    },
  };
};
