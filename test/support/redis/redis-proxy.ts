import { createServer, connect, type Socket } from 'node:net';
import { type AddressInfo } from 'node:net';

export type RedisProxyOptions = {
  port: number;
  /** Changes what Redis answers, a chunk at a time. */
  rewrite?: (answer: string) => string;
  /** Holds what a client sends, a chunk at a time, until the promise resolves. Null: it is passed on at once. */
  hold?: (sent: string) => Promise<unknown> | null;
};

/** How many commands there are in what a client has sent. */
export const commandsIn = (sent: string): number => sent.match(/^\*\d+\r$/gm)?.length ?? 0;

/** What stands between a client and Redis, and may swallow what either sends on the connections of now. */
export const startRedisProxy = async ({ port, rewrite, hold }: RedisProxyOptions) => {
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
    /** What was held goes on in its order. Null: nothing is held. */
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
