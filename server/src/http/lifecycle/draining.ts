import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

export type DrainingOptions = {
  /** Milliseconds that the requests on open connections have to be answered. */
  drainMs: number;
  /** Milliseconds that a connection at rest is kept open for a request that is on its way. */
  idleGraceMs: number;
};

/** What became of the requests that were there when the stop began, and came after. */
export type DrainResult = {
  /** Requests that were answered meanwhile. */
  served: number;
  /** Requests that were not answered in time. */
  cut: number;
};

type Connection = {
  /** Answers under way, in the order of their requests. */
  answers: Set<ServerResponse>;
  /** What had been read when the connection came to rest: more than that is the beginning of a request. */
  bytesAtRest: number;
};

/** The longest that a stop goes on to take connections over, where they do not cease to come. */
const takeOverMs = 2_000;

/**
 * Ends a server without losing a request. RFC 9112, 9.6: whoever sends a request on a connection that is closed at that
 * moment cannot know whether it was acted on, so each connection is told by `Connection: close` in its last answer,
 * and one at rest is kept open for a while. Node's own `close` destroys those at rest at once.
 */
export const createDraining = ({ drainMs, idleGraceMs }: DrainingOptions) => {
  const servers = new Set<Server>();
  const connections = new Map<Socket, Connection>();
  const ended: { served: number; wake: () => void } = { served: 0, wake: () => {} };
  let accepted = 0;
  let isDraining = false;
  /** Once nobody can connect any more: who was told earlier that their connection ends would connect anew, and be reset. */
  let isLastCall = false;
  let draining: Promise<DrainResult> | null = null;

  const isAtRest = (socket: Socket, { answers, bytesAtRest }: Connection) =>
    answers.size === 0 && socket.bytesRead === bytesAtRest;

  const endOnceIdle = (socket: Socket, connection: Connection) => {
    const end = async () => {
      // What has arrived is read before it is decided that nothing has.
      await nextTurn();
      if (isAtRest(socket, connection)) socket.destroySoon();
    };
    const timer = setTimeout(() => void end(), idleGraceMs);
    socket.once('close', () => clearTimeout(timer));
  };

  /** The last answer of a connection says that it is the last. An earlier one must not: it would cut the ones behind it off. */
  const tellLast = ({ answers }: Connection) => {
    let left = answers.size;
    for (const answer of answers) {
      left -= 1;
      if (!answer.headersSent) answer.shouldKeepAlive = left > 0;
    }
  };

  const onConnection = (socket: Socket) => {
    accepted += 1;
    const connection: Connection = { answers: new Set(), bytesAtRest: 0 };
    connections.set(socket, connection);
    socket.once('close', () => {
      connections.delete(socket);
      if (connections.size === 0) ended.wake();
    });
  };

  const onRequest = ({ socket }: IncomingMessage, answer: ServerResponse) => {
    const connection = connections.get(socket);
    if (connection === undefined) return;
    connection.answers.add(answer);
    if (isLastCall) tellLast(connection);
    answer.on('close', () => {
      connection.answers.delete(answer);
      connection.bytesAtRest = socket.bytesRead;
      if (isDraining && answer.writableFinished) ended.served += 1;
      // Where the head was gone before the last call, nobody was told.
      if (isLastCall && connection.answers.size === 0) endOnceIdle(socket, connection);
    });
  };

  /** Node accepts one connection a turn, and to close the listener would reset those that the kernel has taken already. */
  const takeOverWaiting = async () => {
    const until = performance.now() + takeOverMs;
    let seen = -1;
    while (accepted !== seen && performance.now() < until) {
      seen = accepted;
      await nextTurn();
      await nextTurn();
    }
  };

  const drain = async (): Promise<DrainResult> => {
    isDraining = true;
    await takeOverWaiting();
    for (const server of servers) NetServer.prototype.close.call(server);
    isLastCall = true;
    for (const [socket, connection] of connections) {
      tellLast(connection);
      if (connection.answers.size === 0) endOnceIdle(socket, connection);
    }
    if (connections.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, drainMs);
        ended.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    let cut = 0;
    for (const [socket, { answers }] of connections) {
      cut += answers.size;
      socket.destroy();
    }
    return { served: ended.served, cut };
  };

  return {
    /** Whether the stop has begun. */
    isDraining: (): boolean => isDraining,
    /** Follows the connections of a server that does not listen yet. */
    watch(server: Server): void {
      servers.add(server);
      server.on('connection', onConnection);
      server.on('request', onRequest);
    },
    /** Takes no new connections, serves what comes on the open ones, and resolves once all are closed, within `drainMs`. */
    drain(): Promise<DrainResult> {
      draining ??= drain();
      return draining;
    },
  };
};

export type Draining = ReturnType<typeof createDraining>;
