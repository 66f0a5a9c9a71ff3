import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type DelayProxyOptions = {
  /** Port of the server on loopback. */
  port: number;
  /** Whole milliseconds of network delay per round trip, excluding the server's own time. Timers add up to a millisecond. */
  roundTripMs: number;
};

/**
 * Simulates a network between a client and a server: delays every reply by the whole round trip. Delaying both directions by
 * half of it would take two timers, whose shortest time is 1 ms.
 */
export const startDelayProxy = async ({ port, roundTripMs }: DelayProxyOptions) => {
  const sockets = new Set<Socket>();
  const pass = (from: Socket, to: Socket, onChunk: (chunk: Buffer) => void) => {
    sockets.add(from);
    from.on('data', onChunk);
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    pass(client, upstream, (chunk) => upstream.write(chunk));
    // Timers of the same duration fire in the order of their start, so chunks keep their order.
    pass(upstream, client, (chunk) => setTimeout(() => client.write(chunk), roundTripMs));
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
};
