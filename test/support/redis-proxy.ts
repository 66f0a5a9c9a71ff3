import { createServer, connect, type Socket } from 'node:net';
import { type AddressInfo } from 'node:net';

export type RedisProxyOptions = {
  port: number;
  /** Changes what Redis answers, a chunk at a time. */
  rewrite?: (answer: string) => string;
};

/** How many commands there are in what a client has sent. */
export const commandsIn = (sent: string): number => sent.match(/^\*\d+\r$/gm)?.length ?? 0;

/** What stands between a client and Redis, and may swallow what either sends on the connections of now. */
export const startRedisProxy = async ({ port, rewrite }: RedisProxyOptions) => {
  let targetPort = port;
  const links = new Set<{ isSilent: boolean; ends: Socket[] }>();
  let swallowed = '';
  let sent = '';
  /** Replies that wait to be passed on. Null: none has to. */
  let held: Array<() => void> | null = null;
  let connections = 0;
  const server = createServer((client) => {
    connections += 1;
    const upstream = connect(targetPort, '127.0.0.1');
    const link = { isSilent: false, ends: [client, upstream] };
    links.add(link);
    const pass = (from: Socket, to: Socket) => {
      from.on('data', (chunk: Buffer) => {
        const isReply = from === upstream;
        if (link.isSilent) {
          if (!isReply) swallowed += chunk.toString('latin1');
          return;
        }
        if (!isReply) sent += chunk.toString('latin1');
        const isRewritten = isReply && rewrite !== undefined;
        const write = () =>
          void to.write(isRewritten ? Buffer.from(rewrite(chunk.toString('latin1')), 'latin1') : chunk);
        if (isReply && held !== null) held.push(write);
        else write();
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
    /** What was sent to Redis, and came through. */
    sent: () => sent,
    /** From now on Redis's replies wait. Returns what lets them go on. */
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
