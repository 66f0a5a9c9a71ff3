import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { normalizeForwardedFor, toAddress } from '../../../../server/src/http/plugins/client-address.ts';
import { createBrowser, reasonOf } from '../../../support/app/browser.ts';
import { startApp, type TestApp } from '../../../support/app/start-app.ts';
import { johnsCredentials as credentials } from '../../../support/app/people.ts';

/** The client address that the BFF sends to the Auth Service at sign-in, uses for limits, and logs. */
const addressOf = async (app: TestApp, forwardedFor: string): Promise<unknown> => {
  app.authService.resetCalls();
  await app.browser({ headers: { 'x-forwarded-for': forwardedFor } }).trpc.session.login.mutate(credentials);
  return app.authService.calls.at(0)?.headers['x-forwarded-for'];
};

/** The number of anonymous calls from the address that succeed before the first is limited. */
const answeredFrom = async (app: TestApp, forwardedFor: (call: number) => string): Promise<number> => {
  for (let call = 0; call < 5; call += 1) {
    const browser = app.browser({ headers: { 'x-forwarded-for': forwardedFor(call) } });
    if ((await reasonOf(browser.trpc.session.me.query())) === 'rate_limited') return call;
  }
  return 5;
};

describe.each([
  ['true', 'true'],
  ['a number of proxies', '1'],
  ['a list of networks', '127.0.0.1, 10.0.0.0/8'],
])('behind a proxy that adds ports, with TRUST_PROXY as %s', (_what, trusted) => {
  let shared: TestApp;
  beforeAll(async () => {
    shared = await startApp({ env: { TRUST_PROXY: trusted } });
  });
  afterAll(() => shared[Symbol.asyncDispose]());

  it('each client has its own limit, regardless of its port', async () => {
    await using app = await startApp({ env: { TRUST_PROXY: trusted, RATE_LIMIT_PER_MINUTE: '2' } });
    for (const client of ['192.0.2.7', '192.0.2.8', '[2001:db8::1]', '[2001:db8:0:1::1]']) {
      expect(await answeredFrom(app, (call) => `${client}:${50_000 + call}`)).toBe(2);
    }
  });

  it.each([
    ['192.0.2.7:51234', '192.0.2.7'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['[2001:db8::1]', '2001:db8::1'],
    ['2001:DB8:0:0::1', '2001:db8::1'],
    ['2001:db8:0:0:0:0:0:1:443', '2001:db8::1'],
    ['"[2001:db8::1]:443"', '2001:db8::1'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['[::ffff:192.0.2.7]:443', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['fe80::1%eth0', 'fe80::1'],
    ['[fe80::1%25eth0]:443', 'fe80::1'],
    ['\t 192.0.2.7:51234 ', '192.0.2.7'],
    [',, 192.0.2.7:51234 ,', '192.0.2.7'],
  ])('the Auth Service receives the plain address of %j', async (entry, address) => {
    expect(await addressOf(shared, entry)).toBe(address);
  });

  it.each([
    ['unknown'],
    ['_hidden'],
    ['_hidden:443'],
    ['[192.0.2.7]:443'],
    ['[2001:db8::1'],
    ['192.0.2'],
    ['192.0.2.256:80'],
    ['0300.0.2.7'],
    ['0xc0000207'],
    ['192.0.2.7 192.0.2.8'],
    ['proxy.example.org:443'],
    ['x'.repeat(8_000)],
    ['[:'.repeat(4_000)],
    [',:'.repeat(4_000)],
  ])('an entry without an address counts as the address of the proxy that sent it: %.20j', async (entry) => {
    expect(await addressOf(shared, entry)).toBe('127.0.0.1');
  });
});

describe('in a chain of proxies', () => {
  it.each([
    ['2', '203.0.113.66, 192.0.2.7:51234, 10.0.0.1:4000', '192.0.2.7'],
    ['2', '203.0.113.66, 192.0.2.7:51234, _hidden', '192.0.2.7'],
    ['127.0.0.1,10.0.0.0/8', '203.0.113.66, 192.0.2.7:51234, 10.0.0.1:4000, [::ffff:10.0.0.2]:80', '192.0.2.7'],
    ['127.0.0.0/8,fd00::/8', '203.0.113.66, [2001:db8::1]:443, [fd00::2]:4000', '2001:db8::1'],
    ['true', '192.0.2.7:51234, unknown, 10.0.0.1:4000', '192.0.2.7'],
  ])('with TRUST_PROXY=%s, %j is a request from %s', async (trusted, forwardedFor, address) => {
    await using app = await startApp({ env: { TRUST_PROXY: trusted } });
    expect(await addressOf(app, forwardedFor)).toBe(address);
  });

  it('a client whose proxy hides it counts as that proxy, never as the address in a forged entry', async () => {
    await using counted = await startApp({ env: { TRUST_PROXY: '2' } });
    expect(await addressOf(counted, '203.0.113.66, unknown, 10.0.0.1:4000')).toBe('10.0.0.1');
    await using listed = await startApp({ env: { TRUST_PROXY: '127.0.0.1,10.0.0.0/8' } });
    expect(await addressOf(listed, '203.0.113.66, _hidden, 10.0.0.1:4000')).toBe('10.0.0.1');
  });

  it('an address in octal or as one number does not match a trusted network', async () => {
    await using app = await startApp({ env: { TRUST_PROXY: '127.0.0.1,10.0.0.0/8' } });
    // A lenient parser reads 10.0.0.1, and would then trust the entry before it.
    for (const entry of ['012.0.0.1', '0x0a000001', '167772161']) {
      expect(await addressOf(app, `203.0.113.66, ${entry}`)).toBe('127.0.0.1');
    }
  });

  it('X-Forwarded-For is ignored without TRUST_PROXY, or from an untrusted peer', async () => {
    await using direct = await startApp();
    expect(await addressOf(direct, '192.0.2.7:51234')).toBe('127.0.0.1');
    await using other = await startApp({ env: { TRUST_PROXY: '10.0.0.0/8' } });
    expect(await addressOf(other, '192.0.2.7:51234')).toBe('127.0.0.1');
  });

  it('an IPv4 client of a dual-stack socket has its IPv4 address', async () => {
    await using app = await startApp({ env: { HOST: '::' } });
    const { port } = new URL(app.url);
    const browser = createBrowser({ url: `http://127.0.0.1:${port}` });
    await browser.trpc.session.login.mutate(credentials);
    expect(app.authService.calls.at(0)?.headers['x-forwarded-for']).toBe('127.0.0.1');
  });
});

describe('the X-Forwarded-For header', () => {
  it('is cut to its last 32 entries, so that parsing it stays cheap', () => {
    const padded = Array.from({ length: 4_000 }, (_, index) => `10.0.${index % 250}.1:80`).join(',');
    expect(normalizeForwardedFor(`${padded},192.0.2.7:51234`).split(', ')).toHaveLength(32);
    expect(normalizeForwardedFor(`${padded},192.0.2.7:51234`)).toMatch(/, 192\.0\.2\.7$/);
  });

  it('keeps a place for each entry without an address', () => {
    expect(normalizeForwardedFor('192.0.2.7:1, _hidden, ,10.0.0.1')).toBe('192.0.2.7, unknown, 10.0.0.1');
  });

  it('keeps IPv6 addresses that only look like IPv4 ones', () => {
    expect(toAddress('::ffff:1:2:3')).toBe('::ffff:1:2:3');
    expect(toAddress('::192.0.2.7')).toBe('::c000:207');
  });
});
