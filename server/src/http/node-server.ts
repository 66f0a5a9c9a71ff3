import { createServer, type Server, type ServerOptions } from 'node:http';

export type Timeouts = {
  /** Milliseconds for the request line and headers to arrive, and for the first byte of a connection. Default 10,000. */
  headMs: number;
  /** Milliseconds for a whole request to arrive. Default 30,000. */
  requestMs: number;
  /** Milliseconds from a request's head to the last byte of its response. Default 60,000. */
  answerMs: number;
  /** Milliseconds that a connection may be idle between two requests. Must exceed the idle timeout of a proxy in front. Default 72,000. */
  idleMs: number;
  /** Milliseconds between two checks of `headMs` and `requestMs`. Default 1,000. */
  checkEveryMs: number;
};

export const defaultTimeouts: Timeouts = {
  headMs: 10_000,
  requestMs: 30_000,
  answerMs: 60_000,
  idleMs: 72_000,
  checkEveryMs: 1_000,
};

/** Bytes of the request line and headers: a URL of maximum length plus two tokens. */
const maxHeadBytes = 32_768;

export type NodeServerOptions = {
  timeouts: Timeouts;
  handler: Parameters<typeof createServer>[1] & {};
  /** Called with the server before it listens and before its requests are handled. */
  onServer: (server: Server) => void;
};

/** Node's HTTP server with limits on the duration and the size of a request. */
export const createNodeServer = ({ timeouts, handler, onServer }: NodeServerOptions): Server => {
  const limits: ServerOptions = {
    maxHeaderSize: maxHeadBytes,
    headersTimeout: timeouts.headMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.idleMs,
    connectionsCheckingInterval: timeouts.checkEveryMs,
    // Node's response to a request without Host has no body and no request id; plugins/host.ts sends one that has both.
    requireHostHeader: false,
  };
  const server = createServer(limits);
  onServer(server);
  server.on('request', handler);
  // Without this listener, Node answers an unknown `Expect` itself, without a request id. RFC 9110, 10.1.1: it may be ignored.
  server.on('checkExpectation', (request, response) => void server.emit('request', request, response));
  return server;
};
