import { readFileSync } from 'node:fs';
import { connect } from 'node:http2';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { dialects, startApp, type TestApp } from '../../support/app/start-app.ts';
import { queryTarget } from '../../support/app/raw-request.ts';
import { freePort, root } from '../../support/processes/run-process.ts';
import { startReplicas } from '../../support/processes/start-replicas.ts';
import { hasNginx, startBalancer } from '../../support/proxies/start-nginx.ts';
import { hasRedis } from '../../support/redis/redis.ts';
import type { OpenEvents } from '../../support/sse/open-events.ts';
import { createEventParser } from '../../support/sse/event-parser.ts';
import { subscriber, technicians } from '../../support/sse/start-live.ts';

type Server = Pick<TestApp, 'url'>;

/** nginx with deploy/nginx.conf in front of two replicas. `http2`: without TLS, for clients that know. */
const balance = async (first: Server, second: Server, { http2 = false } = {}) => {
  const address = `127.0.0.1:${await freePort()}`;
  const site = readFileSync(join(root, 'deploy/nginx.conf'), 'utf8')
    .replace('bff-1:4000', new URL(first.url).host)
    .replace('bff-2:4000', new URL(second.url).host)
    .replace('listen 8080', `listen ${address}${http2 ? ' http2' : ''}`);
  return { ...(await startBalancer({ site })), url: `http://${address}` };
};

const holder = (app: TestApp, access: string | undefined) => {
  const browser = app.browser();
  browser.holdTokens({ access });
  return browser;
};

const keyOf = (entry: unknown): string => (entry as { key: string }).key;

describe.skipIf(!hasNginx())('behind deploy/nginx.conf', () => {
  it.each(dialects)('events arrive at once, and the place is free when the client leaves (%s)', async (dialect) => {
    await using app = await startApp({ dialect, env: { TRUST_PROXY: '1' } });
    await using balancer = await balance(app, app);
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const browser = holder(app, access);
    const { onTurn, onEnd } = subscriber(balancer, access);
    const stream = await onTurn();
    using end = await onEnd();
    expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream', 'x-session-user': 'staff:123' });
    // `connected`, and its position: turns given from then on are for it.
    await vi.waitFor(() => expect(stream.events()).toHaveLength(2));
    await vi.waitFor(() => expect(end.events()).toHaveLength(1));
    await browser.trpc.assignments.next.mutate({ ...technicians, key: 'T-1' });
    await vi.waitFor(() => expect(stream.data().map(keyOf)).toEqual(['T-1']));
    stream[Symbol.dispose]();
    const streamLines = () => app.logLines.filter(({ procedures }) => String(procedures) === 'assignments.onTurn');
    await vi.waitFor(() => expect(streamLines()).toHaveLength(1));
    await browser.trpc.session.logout.mutate();
    await vi.waitFor(() => expect(end.data()).toEqual([{ reason: 'session_ended' }]));
  });

  it('one HTTP/2 connection carries more subscriptions than a browser opens HTTP/1.1 connections', async () => {
    await using app = await startApp({ env: { TRUST_PROXY: '1' }, liveLimits: { perCaller: 50 } });
    await using balancer = await balance(app, app, { http2: true });
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const browser = holder(app, access);
    const connection = connect(balancer.url);
    try {
      const streams = Array.from({ length: 40 }, () => {
        const parser = createEventParser();
        connection
          .request({
            ':path': queryTarget('assignments.onTurn', { json: technicians }),
            cookie: `access_token=${access}`,
          })
          .setEncoding('utf8')
          .on('data', parser.add);
        return parser;
      });
      await vi.waitFor(() => expect(streams.every(({ events }) => events().length === 2)).toBe(true));
      await browser.trpc.assignments.next.mutate({ ...technicians, key: 'T-1' });
      await vi.waitFor(() => expect(streams.every(({ events }) => events().length === 3)).toBe(true));
    } finally {
      connection.destroy();
    }
  });

  it.skipIf(!hasRedis())('a stream moves to the other replica when its own stops, and misses no turn', async () => {
    await using replicas = await startReplicas({ env: { TRUST_PROXY: '1' } });
    const { first, second } = replicas;
    await using balancer = await balance(first, second);
    const { access } = await replicas.authService.issue({ type: 'staff', id: 123 });
    const { onTurn } = subscriber(balancer, access);
    /** Subscribes until nginx has chosen this replica. */
    const openAt = async (app: TestApp): Promise<OpenEvents> => {
      const url = await app.listenOps();
      const stream = await onTurn();
      const text = await (await fetch(`${url}/metrics`)).text();
      if (/^auth_bff_open_subscriptions 1$/m.test(text)) return stream;
      stream[Symbol.dispose]();
      return openAt(app);
    };
    const { trpc } = holder(second, access);
    const next = (key: string) => trpc.assignments.next.mutate({ ...technicians, key });
    const keysOf = (stream: OpenEvents) => stream.data().map((entry) => (entry as { key: string }).key);

    using before = await openAt(first);
    // Until the subscription begins, a turn is not for it.
    await vi.waitFor(async () => {
      await next(`before ${Math.random()}`);
      expect(before.data().length).toBeGreaterThan(0);
    });
    await next('T-1');
    await vi.waitFor(() => expect(keysOf(before)).toContain('T-1'));
    await first.app.close();
    await vi.waitFor(() => expect(before.isEnded()).toBe(true));
    expect([before.error(), before.retryMs()]).toEqual([null, expect.any(Number)]);
    await next('T-2');
    const lastEventId = before.events().at(-1)?.lastEventId ?? '';
    using after = await onTurn({ headers: { 'last-event-id': lastEventId } });
    await next('T-3');
    await vi.waitFor(() => expect(keysOf(after)).toEqual(['T-2', 'T-3']));
  });
});
