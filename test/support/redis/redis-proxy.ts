import { createServer, connect, type Socket } from 'node:net';
import { type AddressInfo } from 'node:net';

export type RedisProxyOptions = {
  port: number;
  /** Rewrites the replies of Redis, chunk by chunk. */
  rewrite?: (answer: string) => string;
  /** Holds a chunk from the client until the promise resolves. Null: the chunk is passed on at once. */
  hold?: (sent: string) => Promise<unknown> | null;
};

/** Counts the commands in the bytes that a client has sent. */
export const commandsIn = (sent: string): number => sent.match(/^\*\d+\r$/gm)?.length ?? 0;

/** A TCP proxy between a client and Redis that can drop all traffic of the open connections. */
export const startRedisProxy = async ({ port, rewrite, hold }: RedisProxyOptions) => {
  let targetPort = port;
  const links = new Set<{ isSilent: boolean; ends: Socket[] }>();
  let swallowed = '';
  let sent = '';
  /** Held replies. Null: replies are passed on at once. */
  let held: Array<() => void> | null = null;
  let connections = 0;
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(targetPort, '127.0.0.1');
    const link = { isSilent: false, ends: [client, upstream] };
    links.add(link);
    /** Held chunks are passed on in their order. Null: nothing is held. */
    let passing: Promise<unknown> | null = null;
    const passLater = (chunk: Buffer): boolean => {
      const until = hold?.(chunk.toString('latin1')) ?? null;
      if (until === null && passing === null) return false;
      const passed: Promise<unknown> = Promise.all([passing, until]).then(() => {
        if (passing === passed) passing = null;
        upstream.write(chunk);
      });
      passing = passed;
      return true;
    };
    const pass = (from: Socket, to: Socket) => {
      from.on('data', (chunk: Buffer) => {
        const isReply = from === upstream;
        if (link.isSilent) {
          if (!isReply) swallowed += chunk.toString('latin1');
          return;
        }
        if (!isReply) sent += chunk.toString('latin1');
        if (!isReply && passLater(chunk)) return;
        const isRewritten = isReply && rewrite !== undefined;
        const write = () =>
          void to.write(isRewritten ? Buffer.from(rewrite(chunk.toString('latin1')), 'latin1') : chunk);
        if (isReply && held !== null) held.push(write);
        else write();
      });
      // The peers of a silenced connection do not learn that it ended.
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
    /** From now on, drops all traffic of the open connections. New connections work. */
    silence(): void {
      for (const link of links) link.isSilent = true;
    },
    /** Sends new connections to another Redis, like a DNS name after a failover. Open connections stay. */
    redirect(to: number): void {
      targetPort = to;
    },
    /** The bytes sent to Redis that were dropped. */
    swallowed: () => swallowed,
    /** The bytes sent to Redis that were delivered. */
    sent: () => sent,
    /** Holds the replies of Redis from now on. Returns a function that releases them. */
    holdReplies(): () => void {
      const waiting: Array<() => void> = [];
      held = waiting;
      return () => {
        held = null;
        for (const write of waiting) write();
      };
    },
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const { ends } of links) for (const end of ends) end.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
};
