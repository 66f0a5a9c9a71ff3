import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export type DelayProxyOptions = {
  /** Where the server listens, on loopback. */
  port: number;
  /** Milliseconds that a request and its reply take together, beside what the server takes. */
  roundTripMs: number;
};

/** A network between a client and a server: it delays every chunk by half of the round trip, in both directions. */
export const startDelayProxy = async ({ port, roundTripMs }: DelayProxyOptions) => {
  const sockets = new Set<Socket>();
  const pass = (from: Socket, to: Socket) => {
    sockets.add(from);
    // Timers of the same duration fire in the order in which they were started.
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
