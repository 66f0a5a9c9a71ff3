import { describe, expect, it, vi } from 'vitest';
import { createServerClient, type RefreshOnServerOptions, refreshOnServer } from '../../../client/src/server.ts';
import { errorAction, reasonOf } from '../../../client/src/index.ts';
import { serve } from '../../support/app/serve.ts';
import { accessLifetimeMs, dialects } from '../../support/app/start-app.ts';
import { startPageServer } from '../../support/app/start-page-server.ts';
import { createFakeClock } from '../../support/time/fake-clock.ts';
import { pastDeadlineAt } from '../../support/time/past-deadline.ts';

const cookie = 'theme=dark; access_token=secret-access; refresh_token=secret-refresh';
const unchanged = { state: 'unknown', session: null, setCookies: [], cookie };

/** Opens a page in front of this BFF, and keeps what an operator would log. */
const openBefore = async (url: string, own: Partial<RefreshOnServerOptions> = {}) => {
  const failures: string[] = [];
  const result = await refreshOnServer({
    url,
    request: { headers: { cookie } },
    onFailure: (error) => failures.push(`${error.message} ${String(error.stack)} ${JSON.stringify(error)}`),
    ...own,
  });
  return { result, failures };
};

describe.each(dialects)('an outage of the %s service', (dialect) => {
  it.each([
    { kind: 'status', status: 500 },
    { kind: 'status', status: 429 },
    { kind: 'reset' },
    { kind: 'hang' },
  ] as const)('signs nobody out whose session has expired ($kind $status)', async (fault) => {
    await using page = await startPageServer({ dialect });
    page.clock.advance(accessLifetimeMs[dialect] + 1_000);
    page.authService.fault('refresh', fault);
    const open = () => page.open();
    const result = await (fault.kind === 'hang' ? pastDeadlineAt(page, 'refresh', open) : open());
    expect(result).toEqual({ state: 'unknown', session: null, setCookies: [], cookie: page.cookie });
    page.authService.clearFaults();
    // The deployed service refuses a session that has expired.
    expect(await page.open()).toMatchObject({ state: dialect === 'guide' ? 'signed_in' : 'signed_out' });
  });

  it('leaves a person signed in whose early refresh fails', async () => {
    await using page = await startPageServer({ dialect });
    page.clock.advance((accessLifetimeMs[dialect] * 2) / 3 + 1_000);
    page.authService.fault('refresh', { kind: 'status', status: 500 });
    const result = await page.open();
    expect(result).toMatchObject({ state: 'signed_in', session: { user: { id: 123 } } });
    expect(result).toMatchObject({ setCookies: [], cookie: page.cookie });
    expect(page.paths()).toEqual(['session.current', 'session.refresh']);
  });
});

describe('an outage of the BFF', () => {
  it('signs nobody out while nothing listens, and the cause names no cookie', async () => {
    const gone = await serve(() => {});
    await gone[Symbol.asyncDispose]();
    const { result, failures } = await openBefore(`${gone.url}/trpc`);
    expect(result).toEqual(unchanged);
    expect(failures).toHaveLength(1);
    expect(failures.join()).toContain('fetch failed');
    expect(failures.join()).not.toMatch(/secret/);
  });

  it('signs nobody out while the BFF hangs, and ends after 5 seconds', async () => {
    const received = vi.fn<() => void>();
    await using bff = await serve(received);
    const clock = createFakeClock();
    const opened = openBefore(`${bff.url}/trpc`, { clock });
    await vi.waitFor(() => expect(received).toHaveBeenCalled());
    let isOver = false;
    void opened.then(() => (isOver = true));
    await clock.advance(4_999);
    expect(isOver).toBe(false);
    await clock.advance(1);
    const { result, failures } = await opened;
    expect(result).toEqual(unchanged);
    expect(failures.join()).toContain('did not respond within 5000 ms');
    expect(clock.pending()).toBe(0);
  });

  it.each([
    ['of Node', undefined],
    ['of the caller that ignores the signal', () => new Promise<Response>(() => {})],
  ])('ends a call of createServerClient after 5 seconds, with a fetch %s', async (_name, fetch) => {
    const received = vi.fn<() => void>();
    await using bff = await serve(received);
    const deadline = new AbortController();
    using timeout = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(deadline.signal);
    const { trpc } = createServerClient({ url: `${bff.url}/trpc`, request: { headers: { cookie } }, fetch });
    const called = trpc.users.me.query().catch((error: unknown) => [reasonOf(error), errorAction(error)]);
    await vi.waitFor(() => expect(timeout).toHaveBeenCalledWith(5_000));
    deadline.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'));
    expect(await called).toEqual(['network', 'maintenance']);
  });

  it('ends at timeoutMs even if a fetch of the caller ignores the signal', async () => {
    const clock = createFakeClock();
    const opened = openBefore('http://bff.test/trpc', { clock, timeoutMs: 200, fetch: () => new Promise(() => {}) });
    await clock.advance(200);
    expect((await opened).result).toEqual(unchanged);
  });

  it('leaves a person signed in whose early refresh exceeds the timeout', async () => {
    await using page = await startPageServer();
    page.clock.advance((accessLifetimeMs.guide * 2) / 3 + 1_000);
    const clock = createFakeClock();
    const opened = page.open(page.cookie, {
      clock,
      // The BFF answers the first call only.
      fetch: (input, init) => (page.calls.length > 0 ? new Promise(() => {}) : page.recorded(input, init)),
    });
    await vi.waitFor(() => expect(page.paths()).toEqual(['session.current']));
    await vi.waitUntil(async () => {
      await clock.advance(5_000);
      return clock.pending() === 0;
    });
    expect(await opened).toMatchObject({ state: 'signed_in', session: { user: { id: 123 } }, setCookies: [] });
  });

  const json = 'application/json';
  it.each<[name: string, status: number, type: string, body: string]>([
    ['an HTML page', 200, 'text/html', '<!doctype html><title>Maintenance</title>'],
    ['the error page of a proxy', 502, 'text/html', '<h1>Bad Gateway</h1>'],
    ['the sign-in page of a proxy', 401, 'text/html', '<h1>Sign in</h1>'],
    ['an empty body', 200, json, ''],
    ['null', 200, json, 'null'],
    ['an array', 200, json, '[]'],
    ['a result without a session', 200, json, '{"result":{"data":{"json":{}}}}'],
    ['a session without a person', 200, json, '{"result":{"data":{"json":{"state":"signed_in","session":{}}}}}'],
    ['a person without an id', 200, json, '{"result":{"data":{"json":{"session":{"user":{"id":"1"}}}}}}'],
    ['an error without data', 401, json, '{"error":{"json":{"message":"No","code":-32001}}}'],
    ['the error of another server', 401, json, '{"error":"Invalid token"}'],
    ['a redirect to itself', 302, 'text/html', ''],
  ])('signs nobody out by %s, and keeps its Set-Cookie from the browser', async (_name, status, type, body) => {
    const paths: (string | undefined)[] = [];
    await using bff = await serve(({ url }, response) => {
      paths.push(url);
      response.writeHead(status, {
        'content-type': type,
        'set-cookie': ['access_token=; Max-Age=0', 'access_token=planted'],
        ...(status === 302 ? { location: '/elsewhere' } : {}),
      });
      response.end(body);
    });
    const { result, failures } = await openBefore(`${bff.url}/trpc`);
    expect(result).toEqual(unchanged);
    expect(failures.join()).not.toMatch(/secret/);
    expect(failures).toHaveLength(1);
    expect(paths).toEqual(['/trpc/session.current']);
  });

  it('signs nobody out while the BFF limits the rate', async () => {
    await using page = await startPageServer({ env: { RATE_LIMIT_PER_MINUTE: '1' } });
    expect(await page.open()).toMatchObject({ state: 'signed_in' });
    expect(await page.open()).toEqual({ state: 'unknown', session: null, setCookies: [], cookie: page.cookie });
  });

  it('signs nobody out if a proxy removes Set-Cookie from the refresh', async () => {
    await using page = await startPageServer();
    page.clock.advance(accessLifetimeMs.guide + 1_000);
    const fetch = async (input: string | URL | Request, init?: RequestInit) => {
      const { headers, body, status } = await page.recorded(input, init);
      return new Response(body, { status, headers: [...headers].filter(([name]) => name !== 'set-cookie') });
    };
    const onFailure = vi.fn<(error: Error) => void>();
    expect(await page.open(page.cookie, { fetch, onFailure })).toMatchObject({ state: 'unknown', cookie: page.cookie });
    expect(onFailure.mock.calls[0]?.[0].message).toContain('Set-Cookie');
  });

  it('fails the calls of a server client at once, without a retry', async () => {
    const paths: (string | undefined)[] = [];
    await using bff = await serve(({ url }, response) => {
      paths.push(url);
      response.writeHead(502).end('<h1>Bad Gateway</h1>');
    });
    const { trpc, session } = createServerClient({ url: `${bff.url}/trpc`, request: { headers: { cookie } } });
    expect(await trpc.session.me.query().catch(reasonOf)).toBe('network');
    expect(await session.load()).toMatchObject({ state: 'unknown' });
    expect(paths.map((path) => path?.replace(/\?.*/, ''))).toEqual(['/trpc/session.me', '/trpc/session.current']);
  });
});
