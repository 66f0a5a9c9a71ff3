import { connect } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { openConnection } from '../../support/app/open-connection.ts';
import { queryTarget } from '../../support/app/raw-request.ts';
import { startLive, technicians } from '../../support/sse/start-live.ts';

const isRefused = (url: string): Promise<boolean> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });

const pingsOf = (stream: { events: () => ReadonlyArray<{ event: string }> }) =>
  stream.events().filter(({ event }) => event === 'ping').length;

describe('an open stream', () => {
  it('gets a ping after 15 s without an event, and tells the client when to take it for dead', async () => {
    await using live = await startLive();
    const { browser, onTurn } = await live.signIn();
    using stream = await onTurn();
    await live.isOpen(stream);
    expect(stream.events()[0]?.data).toBe('{"reconnectAfterInactivityMs":40000}');
    live.passTime(14_000);
    await browser.trpc.assignments.next.mutate({ ...technicians, key: 'T-1' });
    await vi.waitFor(() => expect(stream.data()).toHaveLength(1));
    live.passTime(14_000);
    // Sent after the ping that would be due without the first turn.
    await browser.trpc.assignments.next.mutate({ ...technicians, key: 'T-2' });
    await vi.waitFor(() => expect(stream.data()).toHaveLength(2));
    expect(stream.text()).not.toContain('ping');
    live.passTime(15_000);
    await vi.waitFor(() => expect(pingsOf(stream)).toBe(1));
    live.passTime(15_000);
    await vi.waitFor(() => expect(pingsOf(stream)).toBe(2));
  });

  it('outlives the response timeout, which still cuts other responses', async () => {
    await using live = await startLive({ timeouts: { answerMs: 50 } });
    const { browser, onTurn, access } = await live.signIn();
    using stream = await onTurn();
    await live.isOpen(stream);
    live.app.authService.fault('user', { kind: 'hang' });
    using other = await openConnection(live.app.url);
    const cookie = `cookie: access_token=${access}`;
    other.send(`GET ${queryTarget('users.byId', { json: { id: 5 } })} HTTP/1.1`, 'host: a', cookie, '', '');
    await other.closed;
    await browser.trpc.assignments.next.mutate({ ...technicians, key: 'T-1' });
    await vi.waitFor(() => expect(stream.data()).toHaveLength(1));
  });
});

describe('a stop', () => {
  it('ends all streams at once so that their clients connect again after some seconds, and then drains', async () => {
    await using live = await startLive({ drainMs: 600_000 });
    const { onTurn, onEnd } = await live.signIn();
    const streams = await Promise.all(Array.from({ length: 5 }, () => [onTurn(), onEnd()]).flat());
    await live.isOpen(...streams);
    const { served, cut } = await live.app.app.close();
    expect({ served, cut }).toEqual({ served: 10, cut: 0 });
    for (const stream of streams) {
      await vi.waitFor(() => expect(stream.isEnded()).toBe(true));
      // `return` would complete the subscription, and an error would fail it.
      expect(
        ['message', 'return', 'serialized-error'].filter((name) => stream.text().includes(`event: ${name}`)),
      ).toEqual([]);
      expect(stream.data()).toEqual([]);
      expect(stream.retryMs()).toBeGreaterThanOrEqual(1_000);
      expect(stream.retryMs()).toBeLessThanOrEqual(5_000);
    }
    // Spread, so that they do not all come at once.
    expect(new Set(streams.map((stream) => stream.retryMs())).size).toBeGreaterThan(3);
    expect(live.app.logLines.filter(({ reasons }) => reasons !== undefined)).toEqual([]);
  });

  it('ends a stream that is opened meanwhile in the same way', async () => {
    await using live = await startLive({ drainMs: 600_000, idleGraceMs: 600_000 });
    const { access } = await live.signIn();
    using connection = await openConnection(live.app.url);
    const closing = live.app.app.close();
    // From then on, each response is the last one of its connection.
    await vi.waitFor(async () => expect(await isRefused(live.app.url)).toBe(true));
    const cookie = `cookie: access_token=${access}`;
    connection.send('GET /trpc/session.onEnd HTTP/1.1', 'host: a', cookie, '', '');
    expect(await connection.closed).toMatch(/event: connected\n[^]*retry: \d+\n\n/);
    await closing;
  });
});
