import { createContext, runInContext } from 'node:vm';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type AuthClientOptions, createAuthClient, errorAction, reasonOf } from '../../client/src/index.ts';
import { abortControllerWithoutReason } from '../support/page/abort-controller-without-reason.ts';
import { bundleClient } from '../support/page/bundle-client.ts';
import { bundleSource } from '../support/page/bundle-source.ts';
import { createFakeBff, ethan, john } from '../support/page/fake-bff.ts';
import { createFakeLocks, stubWindow } from '../support/page/fake-browser.ts';
import { createFakeClock, settle } from '../support/time/fake-clock.ts';
import { root, runBuilt } from '../support/processes/run-process.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const start = (options: Partial<AuthClientOptions> = {}) => {
  const clock = createFakeClock();
  const bff = createFakeBff({ now: clock.now });
  const browser = bff.openBrowser();
  const create = (own: Partial<AuthClientOptions> = {}) =>
    createAuthClient({
      url: 'https://app.test/trpc',
      fetch: browser.fetch,
      clock,
      random: () => 0,
      ...options,
      ...own,
    });
  return { clock, bff, browser, create };
};

/** A class that records its instances. */
const stubBroadcastChannel = () => {
  const names: string[] = [];
  const closed: string[] = [];
  class FakeBroadcastChannel extends EventTarget {
    readonly name: string;
    constructor(name: string) {
      super();
      this.name = name;
      names.push(name);
    }
    postMessage(): void {}
    close(): void {
      closed.push(this.name);
    }
  }
  vi.stubGlobal('BroadcastChannel', FakeBroadcastChannel);
  return { names, closed };
};

const globalsOfBrowsers =
  'window self document location navigator fetch Request Headers AbortController FormData BroadcastChannel EventSource WebSocket localStorage sessionStorage indexedDB crypto performance process setTimeout setInterval addEventListener'.split(
    ' ',
  );

describe('an import', () => {
  it('reads no browser global', async () => {
    const touched: string[] = [];
    const sandbox = {};
    for (const name of globalsOfBrowsers) {
      Object.defineProperty(sandbox, name, {
        get() {
          touched.push(name);
          throw new Error(`The import has touched ${name}.`);
        },
      });
    }
    const context = createContext(sandbox);
    runInContext(await bundleClient(), context);
    expect(touched).toEqual([]);
    expect(runInContext('Object.keys(client).sort().join()', context)).toContain('createAuthClient');
  });

  it('works in a runtime with few globals', async () => {
    const asked: unknown[] = [];
    const fetch = async (url: string, init: { credentials: string }) => {
      asked.push([url, init.credentials]);
      const user = { id: 1, type: 'staff', email: null, fullName: null };
      return { json: async () => [{ result: { data: { json: { user } } } }], headers: new Headers() };
    };
    const given = { AbortController, Headers, DOMException, performance, setTimeout, clearTimeout, queueMicrotask };
    const context = createContext({ ...given, fetch });
    runInContext(await bundleClient(), context);
    const ask = "client.createAuthClient({ url: 'https://app.test/trpc' }).trpc.session.me.query()";
    expect(await runInContext(ask, context)).toMatchObject({ user: { id: 1 } });
    expect(asked).toEqual([[expect.stringContaining('https://app.test/trpc/session.me'), 'include']]);
  });

  /** Signals as React Native has them: they know no reason. */
  const signalsWithoutReason = `
    ${abortControllerWithoutReason}
    globalThis.window = globalThis;
  `;

  it.each<[name: string, ask: string, expected: unknown]>([
    ['an aborted call', 'abortLater(trpc.session.me.query(undefined, { signal }))', [null, 'The call was aborted.']],
    [
      'a call aborted before',
      '(abort.abort(), trpc.session.me.query(undefined, { signal }))',
      [null, 'The call was aborted.'],
    ],
    ['an aborted fetch', "abortLater(session.fetch('https://app.test/', { signal }))", [null, 'The call was aborted.']],
    [
      'a fetch that waits for a refresh',
      "abortLater(session.fetch('https://app.test/refused', { signal }))",
      [null, 'The call was aborted.'],
    ],
    ['a refresh without an answer', 'session.refresh()', ['network', 'No response within 20 ms.']],
  ])('reports %s in a runtime without DOMException, such as React Native', async (_name, ask, expected) => {
    // No Request, no URL, no performance, no BroadcastChannel, and a window without a document.
    const context = createContext({ Headers, setTimeout, clearTimeout, queueMicrotask });
    runInContext(signalsWithoutReason, context);
    runInContext(await bundleClient(), context);
    const outcome: unknown = await runInContext(
      `(async () => {
        const abort = new AbortController();
        const { signal } = abort;
        // As every fetch: it waits for the answer, or for the signal.
        const fetch = (url, init) => new Promise((resolve, reject) => {
          if (url.endsWith('/refused')) return resolve({ status: 401, headers: new Headers() });
          init.signal?.addEventListener('abort', () => reject(Object.assign(new Error('The call was aborted.'), { name: 'AbortError' })));
        });
        const { trpc, session } = client.createAuthClient({ url: 'https://app.test/trpc', fetch, refreshTimeoutMs: 20 });
        const abortLater = (call) => (setTimeout(() => abort.abort(), 5), call);
        const error = await (${ask}).then(() => 'no error', (cause) => cause);
        return [client.reasonOf(error), error.message];
      })()`,
      context,
    );
    expect(outcome).toEqual(expected);
  });
});

describe('a process of Node', () => {
  it('exits after it has used a client', async () => {
    const contents = `
      import { createAuthClient, reasonOf } from './client/src/index.ts';
      const user = { id: 1, type: 'staff', email: null, fullName: null };
      const headers = { 'x-session-expires-in': '900', 'x-session-refresh-in': '600' };
      const fetch = async () => Response.json([{ result: { data: { json: { user } } } }], { headers });
      const { trpc, session } = createAuthClient({ url: 'https://app.test/trpc', fetch });
      await trpc.session.me.query();
      const lost = createAuthClient({ url: 'http://127.0.0.1:1/trpc', retry: { baseDelayMs: 1 } });
      console.log(session.current.state, await lost.trpc.session.me.query().catch(reasonOf));`;
    // Minified, because the system limits the length of an argument. Node with a loader of TypeScript takes five times as long.
    const script = await bundleSource({
      stdin: { contents, resolveDir: root },
      format: 'esm',
      platform: 'node',
      minify: true,
    });
    await using child = runBuilt({ args: ['--input-type=module', '-e', script] });
    expect(await child.exited).toBe(0);
    expect(child.output()).toContain('signed_in network');
  });

  it('fails at once with a clear error for a relative url', async () => {
    const { trpc, session } = createAuthClient({ url: '/trpc', retry: { baseDelayMs: 60_000 } });
    const error = await trpc.session.me.query().catch((cause: unknown) => cause);
    expect(String(error)).toContain('https://example.org/trpc');
    expect(errorAction(error)).toBe('bug');
    await expect(session.refresh()).rejects.toThrow('must be absolute');
  });

  it('passes a relative url to a custom fetch', async () => {
    const { create, browser } = start({ url: '/trpc' });
    browser.signIn();
    expect((await create().trpc.session.me.query()).user).toEqual(john);
  });

  it('opens no channel, takes no lock and keeps no timer', async () => {
    const { names } = stubBroadcastChannel();
    const request = vi.fn<() => never>();
    vi.stubGlobal('navigator', { locks: { request } });
    const { create, browser, clock } = start();
    browser.signIn();
    const { trpc, session } = create();
    await trpc.session.me.query();
    await session.refresh();
    expect(names).toEqual([]);
    expect(request).not.toHaveBeenCalled();
    expect(clock.pending()).toBe(0);
  });

  it('keeps the sessions of a server’s visitors separate', async () => {
    const { create, bff, clock } = start();
    const [his, hers] = [bff.openBrowser(), bff.openBrowser()];
    his.signIn(john);
    hers.signIn(ethan);
    const onSignedOut = vi.fn<() => void>();
    const first = create({ fetch: his.fetch, headers: { cookie: 'his' }, onSignedOut });
    const second = create({ fetch: hers.fetch, headers: () => ({ cookie: 'hers' }) });
    await Promise.all([first.trpc.session.me.query(), second.trpc.session.me.query()]);
    await second.session.signOut();
    await settle();
    expect(first.session.current).toMatchObject({ state: 'signed_in', user: john });
    expect(second.session.current.state).toBe('signed_out');
    expect(onSignedOut).not.toHaveBeenCalled();
    const cookies = bff.asked.map(({ request }) => request.headers.get('cookie') ?? 'none');
    expect(cookies.toSorted()).toEqual(['hers', 'hers', 'his']);
    expect(clock.pending()).toBe(0);
  });
});

describe('a browser', () => {
  it('has one channel and one lock per BFF for every form of its url', async () => {
    const { names, closed } = stubBroadcastChannel();
    const locks = createFakeLocks();
    const asked = vi.spyOn(locks, 'request');
    stubWindow({ locks });
    const { create, browser } = start();
    browser.signIn();
    const clients = [create({ url: '/trpc' }), create({ url: 'https://app.test/trpc/' })];
    for (const { session } of clients) await session.refresh();
    expect(names).toEqual(['auth-bff https://app.test/trpc', 'auth-bff https://app.test/trpc']);
    expect(new Set(asked.mock.calls.map(([name]) => name))).toEqual(new Set(['auth-bff https://app.test/trpc']));
    for (const { session } of clients) session.dispose();
    expect(closed).toHaveLength(2);
  });

  it('works without locks, and if the channel is blocked', async () => {
    stubWindow();
    vi.stubGlobal('BroadcastChannel', function refuse() {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    });
    const { create, browser, bff } = start();
    browser.signIn();
    const { trpc, session } = create();
    bff.state.aheadMs = 901_000;
    expect((await trpc.session.me.query()).user).toEqual(john);
    await session.signOut();
    vi.stubGlobal('BroadcastChannel', undefined);
    await expect(create().session.refresh()).rejects.toSatisfy((error) => reasonOf(error) === 'session_ended');
  });

  it.each<[name: string, location: string, baseURI: string | undefined, expected: string]>([
    [
      'is about:srcdoc, by the address of its parent',
      'about:srcdoc',
      'https://app.test/tickets',
      'https://app.test/trpc',
    ],
    ['is no base, and its document’s neither', 'about:blank', 'about:blank', '/trpc'],
    ['is the only base', 'https://app.test/tickets', undefined, 'https://app.test/trpc'],
  ])('takes a relative url where its location %s', async (_name, location, baseURI, expected) => {
    const { names } = stubBroadcastChannel();
    stubWindow();
    vi.stubGlobal('location', { href: location });
    Object.assign(document, { baseURI });
    const { create, browser } = start({ url: '/trpc' });
    browser.signIn();
    expect((await create().trpc.session.me.query()).user).toEqual(john);
    expect(names).toEqual([`auth-bff ${expected}`]);
  });

  it('works if a frame may not read navigator.locks', async () => {
    stubWindow();
    const navigator = {
      get locks(): never {
        throw new DOMException('The operation is insecure.', 'SecurityError');
      },
    };
    vi.stubGlobal('navigator', navigator);
    const { create, browser, bff } = start();
    browser.signIn();
    bff.state.aheadMs = 901_000;
    expect((await create().trpc.session.me.query()).user).toEqual(john);
    vi.stubGlobal('navigator', undefined);
    bff.state.aheadMs += 901_000;
    expect((await create().trpc.session.me.query()).user).toEqual(john);
  });

  it('is not detected from a document without events', async () => {
    const { names } = stubBroadcastChannel();
    vi.stubGlobal('window', {});
    vi.stubGlobal('document', {});
    const { create, browser } = start();
    browser.signIn();
    const { trpc, session } = create();
    expect((await trpc.session.me.query()).user).toEqual(john);
    await session.refresh();
    expect(names).toEqual([]);
  });

  it('opens no channel or lock if they are null', async () => {
    const { names } = stubBroadcastChannel();
    const locks = createFakeLocks();
    const asked = vi.spyOn(locks, 'request');
    stubWindow({ locks });
    const { create, browser } = start();
    browser.signIn();
    await create({ channel: null, locks: null }).session.refresh();
    expect(names).toEqual([]);
    expect(asked).not.toHaveBeenCalled();
  });
});

describe('a worker', () => {
  it('sends to a relative url, and shares nothing with tabs', async () => {
    const { names } = stubBroadcastChannel();
    const { browser } = start();
    browser.signIn();
    vi.stubGlobal('location', new URL('https://app.test/worker.js'));
    vi.stubGlobal('fetch', browser.fetch);
    const { trpc } = createAuthClient({ url: '/trpc' });
    expect((await trpc.session.me.query()).user).toEqual(john);
    expect(names).toEqual([]);
  });
});

describe('a request', () => {
  it('has the cookies, the x-csrf header and the frontend’s headers', async () => {
    const { create, browser, bff } = start();
    browser.signIn();
    let count = 0;
    const headers = async () => ({ 'x-request-id': `request-${(count += 1)}` });
    const { trpc, session } = create({ headers });
    await trpc.session.me.query();
    await session.refresh();
    await session.signOut();
    const sent = bff.asked.map(({ request }) => [
      request.method,
      request.credentials,
      request.headers.get('x-csrf'),
      request.headers.get('x-request-id'),
    ]);
    expect(sent).toEqual([
      ['GET', 'include', '1', 'request-1'],
      ['POST', 'include', '1', 'request-2'],
      ['POST', 'include', '1', 'request-3'],
    ]);
  });

  it('is a refresh with keepalive, which outlives its page', async () => {
    const { create, browser, bff } = start();
    browser.signIn();
    await create().session.refresh();
    expect(bff.asked.map(({ request }) => request.keepalive)).toEqual([true]);
  });

  it('is batched up to the server’s limits, with session mutations alone', async () => {
    const { create, browser, bff } = start();
    browser.signIn();
    const { trpc } = create();
    await Promise.all([
      ...Array.from({ length: 120 }, (_, id) => trpc.users.byId.query({ id })),
      trpc.session.login.mutate({ email: john.email, password: 'x' }),
      trpc.session.refresh.mutate(),
    ]);
    expect(bff.asked.map(({ calls }) => calls.length).toSorted((a, b) => a - b)).toEqual([1, 1, 20, 50, 50]);
    const alone = bff.asked.filter(({ calls }) => calls.length === 1).map(({ path }) => path);
    expect(alone.toSorted()).toEqual(['session.login', 'session.refresh']);
    await Promise.allSettled(
      Array.from({ length: 50 }, (_, id) => trpc.users.byIds.query({ ids: Array.from({ length: 100 }, () => id) })),
    );
    for (const { request } of bff.asked) expect(request.url.length).toBeLessThanOrEqual(11_500);
  });
});
