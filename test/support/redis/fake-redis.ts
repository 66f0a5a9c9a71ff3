import { createServer, type AddressInfo, type Socket } from 'node:net';

export type FakeRedisOptions = {
  /** Returns the raw reply to a command (`+OK\r\n`). Connections are numbered from 1. Null: the default reply. */
  answer: (command: readonly string[], connection: number) => string | null;
};

const info = 'redis_version:6.2.14\r\nrole:master\r\nloading:0\r\n';
const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;

/** The default reply: that of an empty Redis. */
const defaultReply = ([name = '']: readonly string[]): string => {
  if (/^info$/i.test(name)) return bulk(info);
  return /^get$/i.test(name) ? '$-1\r\n' : '+OK\r\n';
};

/** Parses the first complete command, an array of bulk strings. Null: it is incomplete. */
const takeCommand = (text: string): { command: string[]; rest: string } | null => {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (head === null) return null;
  let at = head[0].length;
  const command: string[] = [];
  for (let part = 0; part < Number(head[1]); part += 1) {
    const length = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (length === null) return null;
    const from = at + length[0].length;
    at = from + Number(length[1]) + 2;
    if (text.length < at) return null;
    command.push(text.slice(from, at - 2));
  }
  return { command, rest: text.slice(at) };
};

/** A TCP server with scripted Redis replies, for example those of another version. */
export const startFakeRedis = async ({ answer }: FakeRedisOptions) => {
  const sockets = new Set<Socket>();
  const commands: string[][] = [];
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    const connection = connections;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
      for (let taken = takeCommand(text); taken !== null; taken = takeCommand(text)) {
        text = taken.rest;
        commands.push(taken.command);
        socket.write(answer(taken.command, connection) ?? defaultReply(taken.command));
      }
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** All commands of all connections, in order of arrival. */
    commands,
    connections: () => connections,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
};
