import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';

/** An HTTP server in place of the Auth Service. */
export const serve = async (listener: RequestListener, host = '127.0.0.1') => {
  const server = createServer(listener);
  server.listen(0, host);
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('Expected a port.');
  return {
    url: `http://${address.family === 'IPv6' ? `[${host}]` : host}:${address.port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
};
