import { createServer, connect, type Socket } from 'node:net';
import { type AddressInfo } from 'node:net';

export type RedisProxyOptions = {
  port: number;
  /** Changes what Redis answers, a chunk at a time. */
  rewrite?: (answer: string) => string;
  /** Holds what a client sends, a chunk at a time, until the promise resolves. Null: it is passed on at once. */
  hold?: (sent: string) => Promise<unknown> | null;
};

/** What stands between a client and Redis, and may swallow what either sends on the connections of now. */
export const startRedisProxy = async ({ port, rewrite, hold }: RedisProxyOptions) => {
  let targetPort = port;
  const links = new Set<{ isSilent: boolean; ends: Socket[] }>();
  let swallowed = '';
  let connections = 0;
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(targetPort, '127.0.0.1');
    const link = { isSilent: false, ends: [client, upstream] };
    links.add(link);
    /** What was held goes on in its order. Null: nothing is held. */
    let held: Promise<unknown> | null = null;
    const passLater = (chunk: Buffer): boolean => {
      const until = hold?.(chunk.toString('latin1')) ?? null;
      if (until === null && held === null) return false;
      const passed: Promise<unknown> = Promise.all([held, until]).then(() => {
        if (held === passed) held = null;
        upstream.write(chunk);
      });
      held = passed;
      return true;
    };
    const pass = (from: Socket, to: Socket) => {
      from.on('data', (chunk: Buffer) => {
        if (from === client && !link.isSilent && passLater(chunk)) return;
        const isRewritten = from === upstream && rewrite !== undefined;
        if (!link.isSilent) to.write(isRewritten ? Buffer.from(rewrite(chunk.toString('latin1')), 'latin1') : chunk);
        else if (from === client) swallowed += chunk.toString('latin1');
      });
      // Of a line that is dead nobody hears that it ended.
      from.on('end', () => void (link.isSilent || to.end()));
      from.on('error', () => {});
      from.on('close', () => void (link.isSilent || to.destroy()));
    };
    pass(client, upstream);
    pass(upstream, client);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** From now on nothing comes through on the connections that are open; new ones work. */
    silence(): void {
      for (const link of links) link.isSilent = true;
    },
    /** Leads new connections to another Redis, as an address does after a failover. Those that are open stay. */
    redirect(to: number): void {
      targetPort = to;
    },
    /** What was sent to Redis, and swallowed. */
    swallowed: () => swallowed,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const { ends } of links) for (const end of ends) end.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
};
