import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createAuthClient, errorAction, reasonOf } from '../../../client/src/index.ts';
import { createWorld, type World } from '../../support/page/open-tabs.ts';
import { hold } from '../../support/time/hold.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const backend = 'https://tickets.test/tickets/';

type Seen = { method: string; body: string; credentials: string; type: string | null };

/** A system's own backend, which reads the same cookies, and a tab of a person who is signed in. */
const open = async (own: Parameters<World['openTab']>[0] = {}) => {
  const world = createWorld();
  const seen: Seen[] = [];
  let refusals = 0;
  const fetch: typeof world.browser.fetch = async (input, init) => {
    const request = new Request(input, init);
    if (!request.url.startsWith(backend)) return world.browser.fetch(input, init);
    const { method, credentials, headers } = request;
    seen.push({ method, credentials, type: headers.get('content-type'), body: await request.clone().text() });
    const access = world.browser.jar.access;
    const isGood = access !== null && access.expiresAtMs > world.clock.now() + world.bff.state.aheadMs;
    if (isGood && refusals === 0) return new Response('a ticket');
    refusals = Math.max(0, refusals - 1);
    return new Response('{"error":"Invalid token"}', { status: 401 });
  };
  const tab = await world.openSignedIn({ ...own, fetch });
  return {
    ...world,
    ...tab,
    world,
    seen,
    expire: () => {
      world.bff.state.aheadMs += 901_000;
    },
    refuse: (times: number) => {
      refusals = times;
    },
  };
};

/** The types of browsers do not know it yet; a body that is a stream cannot do without. */
const streamed = (body: BodyInit): RequestInit => Object.assign({ method: 'POST', body }, { duplex: 'half' });

describe('session.fetch', () => {
  it('sends the cookies and returns a successful response unchanged', async () => {
    const { session, seen, bff } = await open();
    const answer = await session.fetch(backend);
    expect(await answer.text()).toBe('a ticket');
    expect(seen).toEqual([{ method: 'GET', credentials: 'include', type: null, body: '' }]);
    expect(bff.exchanges()).toBe(0);
  });

  it('refreshes once for all calls, and repeats each once', async () => {
    const { session, seen, bff, expire, trpc } = await open();
    expire();
    const answers = await Promise.all([
      ...Array.from({ length: 5 }, () => session.fetch(backend)),
      trpc.users.byId.query({ id: 1 }).then(() => new Response()),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
    expect(seen).toHaveLength(10);
    expect(bff.exchanges()).toBe(1);
  });

  const form = new FormData();
  form.set('file', new Blob(['a picture']), 'cat.png');
  const sentAgain: [name: string, make: () => [string | URL | Request, RequestInit?], expected: RegExp][] = [
    ['a text', () => [backend, { method: 'POST', body: 'text' }], /^text$/],
    ['JSON', () => [new URL(backend), { method: 'PUT', body: '{"a":1}' }], /^\{"a":1\}$/],
    ['a form', () => [backend, { method: 'POST', body: form }], /name="file".*a picture/s],
    ['a search', () => [backend, { method: 'POST', body: new URLSearchParams({ q: 'a b' }) }], /^q=a\+b$/],
    ['a blob', () => [backend, { method: 'POST', body: new Blob(['blob']) }], /^blob$/],
    ['bytes', () => [backend, { method: 'POST', body: new TextEncoder().encode('bytes') }], /^bytes$/],
    ['a Request', () => [new Request(backend, { method: 'POST', body: 'request' })], /^request$/],
    ['a Request of a form', () => [new Request(backend, { method: 'POST', body: form })], /a picture/],
    ['a Request with another body', () => [new Request(backend, { method: 'POST' }), { body: 'other' }], /^other$/],
    ['a Request of a stream', () => [new Request(backend, streamed(new Blob(['streamed']).stream()))], /^streamed$/],
  ];
  it.each(sentAgain)('sends %s again', async (_name, make, expected) => {
    const { session, seen, expire } = await open();
    expire();
    expect((await session.fetch(...make())).status).toBe(200);
    expect(seen.map(({ method }) => method)).toEqual([seen[0]?.method, seen[0]?.method]);
    for (const { body } of seen) expect(body).toMatch(expected);
  });

  it.each<[string, () => BodyInit]>([
    ['a stream', () => new Blob(['once']).stream()],
    ['a stream of Node', () => Readable.from(['once']) as unknown as BodyInit],
    [
      'a generator',
      () =>
        (async function* generate() {
          yield new TextEncoder().encode('once');
        })() as unknown as BodyInit,
    ],
  ])('does not send %s again, and answers its 401', async (_name, makeBody) => {
    const { session, seen, expire, bff } = await open();
    expire();
    const answer = await session.fetch(backend, streamed(makeBody()));
    expect(answer.status).toBe(401);
    expect(await answer.text()).toBe('{"error":"Invalid token"}');
    expect(seen.map(({ body }) => body)).toEqual(['once']);
    expect(bff.count('session.refresh')).toBe(0);
  });

  it('returns a second 401 without another refresh', async () => {
    const { session, seen, bff, refuse } = await open();
    refuse(1_000);
    const answer = await session.fetch(backend);
    expect(answer.status).toBe(401);
    expect(await answer.text()).toBe('{"error":"Invalid token"}');
    expect(seen).toHaveLength(2);
    expect(bff.count('session.refresh')).toBeLessThanOrEqual(1);
  });

  it('returns the 401 if the session has ended, and does not refresh afterwards', async () => {
    const { session, seen, browser, bff, expire, onSignedOut } = await open();
    expire();
    if (browser.jar.refresh !== null) browser.jar.refresh.chain.isEnded = true;
    expect((await session.fetch(backend)).status).toBe(401);
    expect((await session.fetch(backend)).status).toBe(401);
    expect(seen).toHaveLength(2);
    expect(bff.count('session.refresh')).toBe(1);
    expect(onSignedOut).toHaveBeenCalledTimes(1);
  });

  it('rejects if the refresh fails in an outage, without a sign-out', async () => {
    const { session, bff, expire, onSignedOut } = await open();
    expire();
    bff.state.intercept = ({ path }) => (path === 'session.refresh' ? new Response('', { status: 502 }) : null);
    const error = await session.fetch(backend).catch((cause: unknown) => cause);
    expect([reasonOf(error), errorAction(error)]).toEqual(['network', 'maintenance']);
    expect(onSignedOut).not.toHaveBeenCalled();
  });

  it('returns other failures to the caller', async () => {
    const { session, bff } = await open();
    bff.state.intercept = ({ path }) => new Response('', { status: path === 'a' ? 403 : 500 });
    expect((await session.fetch('https://app.test/trpc/a')).status).toBe(403);
    expect((await session.fetch('https://app.test/trpc/b')).status).toBe(500);
    bff.state.intercept = () => Promise.reject(new TypeError('fetch failed'));
    await expect(session.fetch('https://app.test/trpc/c')).rejects.toThrow('fetch failed');
    expect(bff.count('session.refresh')).toBe(0);
  });

  it.each<[string, (signal: AbortSignal) => [string | Request, RequestInit?]]>([
    ['its options', (signal) => [backend, { signal }]],
    ['its Request', (signal) => [new Request(backend, { signal })]],
  ])('leaves the wait at once where it is aborted by %s', async (_name, make) => {
    const { session, bff, expire, trpc, settle, seen } = await open();
    expire();
    const held = hold();
    bff.state.exchangeHeld = held.until;
    const abort = new AbortController();
    const leaving = session.fetch(...make(abort.signal)).catch((error: unknown) => error);
    const staying = trpc.users.byId.query({ id: 1 });
    await settle();
    const why = new Error('navigated');
    abort.abort(why);
    expect(await leaving).toBe(why);
    held.release();
    expect(await staying).toEqual({ id: 1 });
    expect(seen).toHaveLength(1);
  });

  it('does not wait for a refresh if it was aborted before its 401', async () => {
    const { world, expire } = await open();
    expire();
    const abort = new AbortController();
    const why = new Error('navigated');
    const { session } = world.openTab({
      // A fetch that minds no signal.
      fetch: (input) => {
        if (input === backend) {
          abort.abort(why);
          return Promise.resolve(new Response('', { status: 401 }));
        }
        return new Promise(() => {});
      },
    });
    await expect(session.fetch(backend, { signal: abort.signal })).rejects.toBe(why);
  });

  it('does not refresh if the headers option sends the token', async () => {
    const { session, expire, bff } = await open({ headers: { authorization: 'Bearer x' } });
    expire();
    expect((await session.fetch(backend)).status).toBe(401);
    expect(bff.count('session.refresh')).toBe(0);
  });

  it('works with the global fetch, and cancels the body of a repeated response', async () => {
    const bodies: string[] = [];
    let cancelled = 0;
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      const body = await text(request);
      if (request.url === '/trpc/session.refresh') {
        const user = { id: 1, type: 'staff', email: null, fullName: null };
        response.end(JSON.stringify({ result: { data: { json: { user } } } }));
        return;
      }
      bodies.push(body);
      response.statusCode = bodies.length === 1 ? 401 : 200;
      response.write('a first part');
      if (response.statusCode === 200) response.end();
      else response.once('close', () => (cancelled += 1));
    };
    const server = createServer((request, response) => void answer(request, response));
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const { session } = createAuthClient({ url: `${url}/trpc` });
    const ticket = await session.fetch(`${url}/tickets/`, { method: 'POST', body: 'new' });
    expect(await ticket.text()).toBe('a first part');
    expect(bodies).toEqual(['new', 'new']);
    await vi.waitFor(() => expect(cancelled).toBe(1));
    server.closeAllConnections();
    await new Promise((resolve) => void server.close(resolve));
  });
});
