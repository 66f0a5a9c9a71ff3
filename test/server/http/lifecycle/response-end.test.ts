import { connect } from 'node:net';
import Fastify from 'fastify';
import { describe, expect, it, vi } from 'vitest';
import { onResponseEnd } from '../../../../server/src/http/lifecycle/response-end.ts';
import { openConnection } from '../../../support/app/open-connection.ts';

/** More than the buffers of two sockets hold. */
const tooMuch = Buffer.alloc(50_000_000);

const start = async () => {
  const told: boolean[] = [];
  let goOn = () => {};
  const waiting = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const server = Fastify();
  server.get('/short', (_request, reply) => {
    onResponseEnd(reply, (isSent) => told.push(isSent));
    return 'short';
  });
  server.get('/long', (_request, reply) => {
    onResponseEnd(reply, (isSent) => told.push(isSent));
    return tooMuch;
  });
  server.get('/late', async (_request, reply) => {
    await waiting;
    onResponseEnd(reply, (isSent) => told.push(isSent));
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
    told,
    closed,
    goOn: () => goOn(),
    isTold: () => vi.waitFor(() => expect(told).not.toEqual([])),
    [Symbol.asyncDispose]: () => server.close(),
  };
};

describe('whether a response was sent', () => {
  it.each(['keep-alive', 'close'])('is told once it was, on a connection with Connection: %s', async (connection) => {
    await using test = await start();
    using client = await openConnection(test.url);
    client.send('GET /short HTTP/1.1', 'host: a', `connection: ${connection}`, '', '');
    await client.received(/short/);
    await test.isTold();
    client.socket.destroy();
    await vi.waitFor(() => expect(test.closed).toEqual(['/short']));
    expect(test.told).toEqual([true]);
  });

  it('is told as not, if the client leaves before all of it was sent', async () => {
    await using test = await start();
    const { hostname, port } = new URL(test.url);
    const socket = connect(Number(port), hostname);
    socket.write('GET /long HTTP/1.1\r\nhost: a\r\n\r\n');
    // The first bytes are there, and no more are read.
    await new Promise<void>((resolve) => void socket.once('readable', resolve));
    socket.destroy();
    await vi.waitFor(() => expect(test.closed).toEqual(['/long']));
    expect(test.told).toEqual([false]);
  });

  it('is told as not, if the client left before there was anything to send', async () => {
    await using test = await start();
    const { socket } = await openConnection(test.url);
    socket.write('GET /late HTTP/1.1\r\nhost: a\r\n\r\n');
    await new Promise<void>((resolve) => void setImmediate(resolve));
    socket.destroy();
    await vi.waitFor(() => expect(test.closed).toEqual(['/late']));
    expect(test.told).toEqual([]);
    test.goOn();
    await test.isTold();
    expect(test.told).toEqual([false]);
  });
});
