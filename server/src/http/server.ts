import { createServer, type Server, type ServerOptions } from 'node:http';

export type Timeouts = {
  /** Milliseconds for a request line and its headers to arrive, and for the first byte of a connection. Default 10,000. */
  headMs: number;
  /** Milliseconds for a whole request to arrive. Default 30,000. */
  requestMs: number;
  /** Milliseconds from a request's head to the last byte of its answer. Default 60,000. */
  answerMs: number;
  /** Milliseconds that a connection may rest between two requests. Longer than a proxy in front keeps its own. Default 72,000. */
  idleMs: number;
  /** Milliseconds between two looks at what takes too long to arrive. Default 1,000. */
  checkEveryMs: number;
};

export const defaultTimeouts: Timeouts = {
  headMs: 10_000,
  requestMs: 30_000,
  answerMs: 60_000,
  idleMs: 72_000,
  checkEveryMs: 1_000,
};

/** Bytes of a request line and its headers: the URL has its own limit, and two tokens must fit beside it. */
const maxHeadBytes = 32_768;

export type HttpServerOptions = {
  timeouts: Timeouts;
  handler: Parameters<typeof createServer>[1] & {};
  /** Told of the server before it listens, and before its requests are handled. */
  onServer: (server: Server) => void;
};

/** Node's server, with bounds on how long and how large a request may be. */
export const createHttpServer = ({ timeouts, handler, onServer }: HttpServerOptions): Server => {
  const bounds: ServerOptions = {
    maxHeaderSize: maxHeadBytes,
    headersTimeout: timeouts.headMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.idleMs,
    connectionsCheckingInterval: timeouts.checkEveryMs,
    // Its answer to a request without Host has no body and no id: host.ts has one that does.
    requireHostHeader: false,
  };
  const server = createServer(bounds);
  onServer(server);
  server.on('request', handler);
  // Node answers an unknown `Expect` by itself otherwise, without an id. RFC 9110, 10.1.1: it may be ignored.
  server.on('checkExpectation', (request, response) => void server.emit('request', request, response));
  return server;
};
