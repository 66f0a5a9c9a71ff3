import { connect } from 'node:net';
import Fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { onResponseEnd } from '../../../../server/src/http/lifecycle/response-end.ts';
import { openConnection } from '../../../support/app/open-connection.ts';

/** More than the buffers of two sockets. */
const largeBody = Buffer.alloc(50_000_000);

const start = async () => {
  const reported: boolean[] = [];
  let resume = () => {};
  const waiting = new Promise<void>((resolve) => {
    resume = resolve;
  });
  const server = Fastify();
  server.get('/short', (_request, reply) => {
    onResponseEnd(reply, (isSent) => reported.push(isSent));
    return 'short';
  });
  server.get('/long', (_request, reply) => {
    onResponseEnd(reply, (isSent) => reported.push(isSent));
    return largeBody;
  });
  server.get('/late', async (_request, reply) => {
    await waiting;
    onResponseEnd(reply, (isSent) => reported.push(isSent));
    return 'late';
  });
  const closed: string[] = [];
  server.addHook('onRequest', (request, reply, done) => {
    reply.raw.once('close', () => closed.push(request.url));
    done();
  });
  const url = await server.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    reported,
    closed,
    resume: () => resume(),
    isReported: () => vi.waitFor(() => expect(reported).not.toEqual([])),
    [Symbol.asyncDispose]: () => server.close(),
  };
};

describe('onResponseEnd', () => {
  it.each(['keep-alive', 'close'])(
    'reports a complete response after it was sent, on a connection with Connection: %s',
    async (connection) => {
      await using test = await start();
      using client = await openConnection(test.url);
      client.send('GET /short HTTP/1.1', 'host: a', `connection: ${connection}`, '', '');
      await client.received(/short/);
      await test.isReported();
      client.socket.destroy();
      await vi.waitFor(() => expect(test.closed).toEqual(['/short']));
      expect(test.reported).toEqual([true]);
    },
  );

  it('reports an incomplete response if the client disconnects during the response', async () => {
    await using test = await start();
    const { hostname, port } = new URL(test.url);
    const socket = connect(Number(port), hostname);
    socket.write('GET /long HTTP/1.1\r\nhost: a\r\n\r\n');
    // The first bytes have arrived, and the test reads no more.
    await new Promise<void>((resolve) => void socket.once('readable', resolve));
    socket.destroy();
    await vi.waitFor(() => expect(test.closed).toEqual(['/long']));
    expect(test.reported).toEqual([false]);
  });

  it('reports an incomplete response if the client disconnects before the response', async () => {
    await using test = await start();
    const { socket } = await openConnection(test.url);
    socket.write('GET /late HTTP/1.1\r\nhost: a\r\n\r\n');
    await new Promise<void>((resolve) => void setImmediate(resolve));
    socket.destroy();
    await vi.waitFor(() => expect(test.closed).toEqual(['/late']));
    expect(test.reported).toEqual([]);
    test.resume();
    await test.isReported();
    expect(test.reported).toEqual([false]);
  });
});
