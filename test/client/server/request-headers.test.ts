import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it, vi } from 'vitest';
import { createServerClient, type ServerRequest } from '../../../client/src/server.ts';
import { startPageServer } from '../../support/app/start-page-server.ts';
import { serve } from '../../support/app/serve.ts';

/** Next's `headers()`: a `Headers` whose methods of change throw. */
class ReadonlyHeaders extends Headers {
  override set(): never {
    throw new Error('Headers cannot be modified.');
  }
}

describe('the request', () => {
  it.each<[name: string, toRequest: (cookie: string) => ServerRequest]>([
    ['a Request', (cookie) => new Request('https://app.test', { headers: { cookie } })],
    ['an object with Headers', (cookie) => ({ headers: new Headers({ cookie }) })],
    ['the headers of Next', (cookie) => ({ headers: new ReadonlyHeaders({ cookie }) })],
    ['the headers of Node', (cookie) => ({ headers: { cookie } satisfies IncomingHttpHeaders })],
    ['headers in another case', (cookie) => ({ headers: { Cookie: cookie } })],
    ['a header in several lines', (cookie) => ({ headers: { cookie: cookie.split('; ') } })],
  ])('may be %s', async (_name, toRequest) => {
    await using page = await startPageServer();
    const request = toRequest(`theme=dark; ${page.cookie}`);
    expect(await page.open('', { request })).toMatchObject({
      state: 'signed_in',
      cookie: `theme=dark; ${page.cookie}`,
    });
    const { trpc } = createServerClient({ url: page.trpcUrl, request });
    expect((await trpc.session.me.query()).user.id).toBe(123);
  });

  it('may be that of Node itself', async () => {
    await using page = await startPageServer();
    await using server = await serve((request, response) => {
      const opened = page.open('', { request, clientAddress: request.socket.remoteAddress });
      void opened.then(({ state }) => response.end(state));
    });
    const answer = await fetch(server.url, { headers: { cookie: page.cookie } });
    expect(await answer.text()).toBe('signed_in');
  });
});

describe('what the BFF gets of a request', () => {
  /** The headers that the BFF gets for the headers of a browser, at its first call. */
  const sentFor = async (headers: ServerRequest['headers'], clientAddress?: string | null) => {
    const sent: Headers[] = [];
    const fetch = vi.fn<(input: string | URL | Request, init?: RequestInit) => Promise<Response>>(
      async (_input, init) => {
        sent.push(new Headers(init?.headers));
        return Response.json([]);
      },
    );
    const options = { url: 'http://bff.test/trpc', request: { headers }, fetch, clientAddress };
    await createServerClient(options)
      .trpc.session.me.query()
      .catch(() => {});
    const [first = new Headers()] = sent;
    return Object.fromEntries(first);
  };

  it('is its own cookies, a Bearer token, and nothing else of a hostile browser', async () => {
    const headers = {
      cookie: 'access_token=a; app_session=s; refresh_token=r; auth_bff_device=d',
      authorization: 'Bearer token',
      origin: 'https://evil.test',
      host: 'evil.test',
      'x-forwarded-for': '203.0.113.9',
      'x-forwarded-host': 'evil.test',
      forwarded: 'for=203.0.113.9',
      'x-real-ip': '203.0.113.9',
      'x-csrf': '2',
      'x-request-id': 'planted',
      'sec-fetch-site': 'cross-site',
      'x-api-key': 'stolen',
      'content-length': '7',
      'transfer-encoding': 'chunked',
    };
    expect(await sentFor(headers)).toEqual({
      cookie: 'access_token=a; refresh_token=r; auth_bff_device=d',
      authorization: 'Bearer token',
      'x-csrf': '1',
    });
  });

  it.each([
    ['203.0.113.9', '203.0.113.9'],
    [' 2001:db8::1 ', '2001:db8::1'],
    ['203.0.113.9, 10.0.0.1', '203.0.113.9, 10.0.0.1'],
    ['[2001:db8::1]:443', '[2001:db8::1]:443'],
    ['203.0.113.9\r\nx-api-key: stolen', undefined],
    ['ÿ', undefined],
    ['', undefined],
    [null, undefined],
    [undefined, undefined],
  ])('names the address %j of the visitor as %j', async (clientAddress, expected) => {
    expect((await sentFor({ cookie: 'access_token=a' }, clientAddress))['x-forwarded-for']).toBe(expected);
  });

  it.each(['Basic c2VjcmV0', 'Bearer', 'Bearer a b', 'Bearer a\r\nx: y', 'Bearer ä', 'Bearer 密'])(
    'is no authorization header %j',
    async (authorization) => {
      expect((await sentFor({ authorization })).authorization).toBeUndefined();
    },
  );

  it.each([
    ['access_token=a\r\nx-api-key: stolen; refresh_token=r', 'refresh_token=r'],
    ['access_token=a\nb', ''],
    ['access_token=a\0b; refresh_token=r', 'refresh_token=r'],
    ['access_token=密; refresh_token=r', 'refresh_token=r'],
    ['access_token="a"; refresh_token=r', 'access_token="a"; refresh_token=r'],
    [';;=; ;access_token = a ;', 'access_token=a'],
    ['__proto__=1; constructor=2; access_token=a', 'access_token=a'],
  ])('is a valid Cookie header for %j', async (cookie, expected) => {
    expect((await sentFor({ cookie })).cookie).toBe(expected);
  });

  it('fits into the BFF’s limit although the Cookie header of the application is huge', async () => {
    await using page = await startPageServer();
    const huge = Array.from({ length: 100 }, (_, index) => `app${index}=${'x'.repeat(4_000)}`).join('; ');
    const result = await page.open('', { request: { headers: { cookie: `${huge}; ${page.cookie}` } } });
    expect(result.state).toBe('signed_in');
    expect(result.cookie).toBe(`${huge}; ${page.cookie}`);
  });

  it('counts for the rate limit of the visitor’s address, if the BFF trusts this server', async () => {
    await using page = await startPageServer({ env: { RATE_LIMIT_PER_MINUTE: '1', TRUST_PROXY: 'loopback' } });
    const open = (clientAddress: string) => page.open('access_token=garbage', { clientAddress });
    expect((await open('203.0.113.9')).state).toBe('signed_out');
    expect((await open('203.0.113.9')).state).toBe('unknown');
    expect((await open('203.0.113.10')).state).toBe('signed_out');
  });
});
