import { describe, expect, it } from 'vitest';
import { isHostInDomain, otherVariants, plantedVariants } from '../../../../server/src/http/cookies/cookie-variants.ts';
import { askRaw, postHeaders, resultOf, written } from '../../../support/app/raw-request.ts';
import { startApp } from '../../../support/app/start-app.ts';
import { johnsCredentials } from '../../../support/app/people.ts';

const login = written(johnsCredentials);

describe('a sign-in at a host outside COOKIE_DOMAIN, whose cookies the browser discards', () => {
  const startWith = async (env: Record<string, string>) => {
    const app = await startApp({ env: { RATE_LIMIT_PER_MINUTE: '0', ...env } });
    const signIn = async (host: string) => {
      const headers = { ...postHeaders, host };
      const answer = await askRaw(app.url, { method: 'POST', target: '/trpc/session.login', headers, body: login });
      expect(resultOf(answer)).toMatchObject({ status: 'signed_in' });
    };
    const warnings = () => app.logLines.filter(({ level, msg }) => level === 40 && /COOKIE_DOMAIN/.test(String(msg)));
    return { signIn, warnings, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
  };

  it('is logged once for each host, with the action to take', async () => {
    await using test = await startWith({ COOKIE_DOMAIN: 'example.org' });
    const { signIn, warnings } = test;
    for (const host of [
      'tts.example.org',
      'example.org',
      'tts.example.com:4000',
      'tts.example.com',
      'notexample.org',
    ]) {
      await signIn(host);
    }
    expect(warnings().map(({ host }) => host)).toEqual(['tts.example.com', 'notexample.org']);
    expect(warnings()[0]).toMatchObject({
      cookieDomain: 'example.org',
      msg: expect.stringMatching(/Browsers will drop the session cookies.*Set COOKIE_DOMAIN to a domain that contains/),
    });
  });

  it('is not logged without COOKIE_DOMAIN', async () => {
    await using test = await startWith({});
    await test.signIn('tts.example.com');
    expect(test.warnings()).toEqual([]);
  });

  it('does not fill the log with made-up hosts', async () => {
    await using test = await startWith({ COOKIE_DOMAIN: 'example.org' });
    const { signIn, warnings } = test;
    for (let from = 0; from < 120; from += 10) {
      // One person at one address has 10 attempts a minute.
      await signIn(`host-${from}.example.com`).catch(() => {});
    }
    expect(warnings().length).toBeLessThanOrEqual(100);
    expect(warnings().length).toBeGreaterThan(5);
  });
});

it.each([
  ['tts.example.org', 'example.org', true],
  ['EXAMPLE.org', 'example.org', true],
  ['notexample.org', 'example.org', false],
  ['example.org', 'tts.example.org', false],
  ['10.0.0.1', '0.0.1', false],
  ['10.0.0.1', '10.0.0.1', true],
])('a browser at %s takes a cookie for %s: %s', (host, domain, isTaken) => {
  expect(isHostInDomain(host, domain)).toBe(isTaken);
});

describe('the other variants of a cookie', () => {
  it.each([
    ['of a bare host', { host: 'tts.example.org', cookieDomain: null, count: 0 }, [null, 'tts.example.org']],
    [
      'of a present cookie',
      { host: 'a.b.example.org', cookieDomain: null, count: 1 },
      [null, 'a.b.example.org', 'b.example.org', 'example.org'],
    ],
    [
      'of a parent domain',
      { host: 'a.b.example.org', cookieDomain: 'example.org', count: 1 },
      [null, 'a.b.example.org', 'b.example.org'],
    ],
    ['of an address', { host: '10.0.0.1', cookieDomain: null, count: 2 }, [null]],
    ['of an IPv6 address', { host: '[::1]', cookieDomain: null, count: 2 }, [null]],
    ['of a name of one label', { host: 'localhost', cookieDomain: null, count: 2 }, [null]],
    ['of an invalid host', { host: 'a;b.example.org', cookieDomain: null, count: 2 }, [null]],
    [
      'of a long name',
      { host: 'a.b.c.d.e.f.g.example.org', cookieDomain: null, count: 1 },
      [
        null,
        'a.b.c.d.e.f.g.example.org',
        'b.c.d.e.f.g.example.org',
        'c.d.e.f.g.example.org',
        'd.e.f.g.example.org',
        'e.f.g.example.org',
      ],
    ],
  ])('%s', (_name, options, domains) => {
    const expected = options.cookieDomain === null ? domains.slice(1) : domains;
    expect(otherVariants(options).map(({ domain }) => domain)).toEqual(expected);
  });

  it('below the root are those in the request, and none for a host without a parent domain', () => {
    expect(plantedVariants('tts.example.org', '/trpc/session.me').map(({ path }) => path)).toEqual([
      ...Array.from({ length: 3 }, () => '/trpc'),
      ...Array.from({ length: 3 }, () => '/trpc/'),
      ...Array.from({ length: 3 }, () => '/trpc/session.me'),
    ]);
    expect(plantedVariants('localhost', '/trpc/session.me')).toEqual([]);
    expect(plantedVariants('tts.example.org', '/trpc/a;b').map(({ path }) => path)).not.toContain('/trpc/a;b');
  });
});
