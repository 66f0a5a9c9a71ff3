import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type DelayProxyOptions = {
  /** Port of the server on loopback. */
  port: number;
  /** Milliseconds of network delay per round trip, excluding the server's own time. */
  roundTripMs: number;
};

/** Simulates a network between a client and a server: delays every chunk by half of the round trip in each direction. */
export const startDelayProxy = async ({ port, roundTripMs }: DelayProxyOptions) => {
  const sockets = new Set<Socket>();
  const pass = (from: Socket, to: Socket) => {
    sockets.add(from);
    // Timers of the same duration fire in the order of their start, so chunks keep their order.
    from.on('data', (chunk: Buffer) => setTimeout(() => to.write(chunk), roundTripMs / 2));
    from.on('error', () => {});
    from.on('close', () => {
      sockets.delete(from);
      to.destroy();
    });
  };
  const server = createServer({ noDelay: true }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1', noDelay: true });
    pass(client, upstream);
    pass(upstream, client);
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
