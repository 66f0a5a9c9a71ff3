import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';

export type DrainingOptions = {
  /** Milliseconds from the start of the shutdown that in-flight requests have to finish. */
  drainMs: number;
  /** Milliseconds that an idle connection stays open for a request that is already on its way. */
  idleGraceMs: number;
  /** Called when the listener closes. Ends the responses that would take longer than `drainMs`. */
  onListenerClosing?: () => void;
};

/** The outcome of the requests that were in flight at the start of the shutdown or arrived during it. */
export type DrainResult = {
  /** Requests that got their response. */
  served: number;
  /** Requests that were cut off after `drainMs`. */
  cut: number;
};

type Connection = {
  /** Responses in flight, in the order of their requests. */
  responses: ServerResponse[];
  /** Bytes read when the connection became idle. If more were read, a request has begun to arrive. */
  bytesWhenIdle: number;
};

/** Maximum time to accept connections that are already in the kernel's backlog. */
const acceptBacklogMs = 2_000;

/**
 * Closes a server without losing a request. RFC 9112, 9.6: a client whose connection closes while it sends a request
 * cannot know whether the request was processed. So the last response of each connection has `Connection: close`, and an
 * idle connection stays open for a while. Node's own `close` destroys idle connections at once.
 */
export const createDraining = (options: DrainingOptions) => {
  const { drainMs, idleGraceMs, onListenerClosing = () => {} } = options;
  const servers = new Set<Server>();
  const connections = new Map<Socket, Connection>();
  let served = 0;
  let onAllClosed = () => {};
  let accepted = 0;
  let isDraining = false;
  /** True once the listener is closed. Before, a client that got `Connection: close` would reconnect and be reset. */
  let isListenerClosed = false;
  let draining: Promise<DrainResult> | null = null;

  const isIdle = (socket: Socket, { responses, bytesWhenIdle }: Connection) =>
    responses.length === 0 && socket.bytesRead === bytesWhenIdle;

  const endOnceIdle = (socket: Socket, connection: Connection) => {
    const end = async () => {
      // Reads the bytes that have already arrived.
      await nextTurn();
      if (isIdle(socket, connection)) socket.destroySoon();
    };
    const timer = setTimeout(() => void end(), idleGraceMs);
    socket.once('close', () => clearTimeout(timer));
  };

  /** Sets `Connection: close` on the last response of a connection. On an earlier one it would cut off those behind it. */
  const markLastResponse = ({ responses }: Connection) => {
    let left = responses.length;
    for (const answer of responses) {
      left -= 1;
      if (!answer.headersSent) answer.shouldKeepAlive = left > 0;
    }
  };

  /**
   * Node emits `close` only for the response whose turn it is on the connection. Those of pipelined requests behind it would
   * be in flight forever, and their streams open.
   */
  const closeQueued = ({ responses }: Connection) => {
    // oxlint-disable-next-line unicorn/no-useless-spread -- `close` removes a response from the list
    for (const answer of [...responses]) {
      answer.destroy();
      answer.emit('close');
    }
  };

  const remove = ({ responses }: Connection, answer: ServerResponse) => {
    const index = responses.indexOf(answer);
    if (index >= 0) responses.splice(index, 1);
  };

  const onConnection = (socket: Socket) => {
    accepted += 1;
    const connection: Connection = { responses: [], bytesWhenIdle: 0 };
    connections.set(socket, connection);
    socket.once('close', () => {
      connections.delete(socket);
      if (connections.size === 0) onAllClosed();
      if (connection.responses.length > 0) process.nextTick(closeQueued, connection);
    });
  };

  const onRequest = ({ socket }: IncomingMessage, answer: ServerResponse) => {
    const connection = connections.get(socket);
    if (connection === undefined) return;
    connection.responses.push(answer);
    if (isListenerClosed) markLastResponse(connection);
    answer.on('close', () => {
      remove(connection, answer);
      connection.bytesWhenIdle = socket.bytesRead;
      if (isDraining && answer.writableFinished) served += 1;
      // The headers of this response may have been sent before `Connection: close` could be set.
      if (isListenerClosed && connection.responses.length === 0) endOnceIdle(socket, connection);
    });
  };

  /** Node accepts one connection per turn. Closing the listener resets those that wait in the kernel's backlog. */
  const acceptBacklog = async () => {
    const until = performance.now() + acceptBacklogMs;
    let seen = -1;
    while (accepted !== seen && performance.now() < until) {
      seen = accepted;
      await nextTurn();
      await nextTurn();
    }
  };

  /** Resolves once no connection is open, or after `ms`. */
  const allClosed = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      if (connections.size === 0) return resolve();
      const timer = setTimeout(resolve, ms);
      onAllClosed = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  const drain = async (keepListeningMs: number): Promise<DrainResult> => {
    const beganAt = performance.now();
    isDraining = true;
    await allClosed(keepListeningMs);
    onListenerClosing();
    await acceptBacklog();
    for (const server of servers) NetServer.prototype.close.call(server);
    isListenerClosed = true;
    for (const [socket, connection] of connections) {
      markLastResponse(connection);
      if (connection.responses.length === 0) endOnceIdle(socket, connection);
    }
    await allClosed(drainMs - (performance.now() - beganAt));
    let cut = 0;
    for (const [socket, { responses }] of connections) {
      cut += responses.length;
      socket.destroy();
    }
    return { served, cut };
  };

  return {
    /** Whether the shutdown has begun. */
    isDraining: (): boolean => isDraining,
    /** Tracks the connections of a server that does not listen yet. */
    watch(server: Server): void {
      servers.add(server);
      server.on('connection', onConnection);
      server.on('request', onRequest);
    },
    /**
     * Closes the listener (after `keepListeningMs` if clients are connected), serves the requests on open connections, and
     * resolves once all are closed, within `drainMs`.
     */
    drain({ keepListeningMs }: { keepListeningMs: number }): Promise<DrainResult> {
      draining ??= drain(keepListeningMs);
      return draining;
    },
  };
};

export type Draining = ReturnType<typeof createDraining>;
