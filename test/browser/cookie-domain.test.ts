import { createServer, request as forwardTo } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { signInPeople } from '../../server/dev/auth-service/people/people.ts';
import { cookiesLeft, hasChromium, launchChromium } from '../support/page/chromium.ts';
import { createClock, dialects, startApp, type TestApp } from '../support/app/start-app.ts';

const person = (shows: RegExp) => {
  const found = signInPeople.find((one) => shows.test(one.shows));
  return { email: found?.email ?? '', password: found?.password ?? '' };
};
const technician = { ...person(/^TTS technician/), id: 123 };
const admin = { ...person(/^Admin of all four/), id: 6 };
type Person = typeof technician;

/** Subdomains of one domain. Their server forwards /trpc to the current app. */
const startSubdomains = async () => {
  let current: TestApp | null = null;
  const server = createServer((request, response) => {
    if (current === null || request.url?.startsWith('/trpc/') !== true) {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>Tickets</title>');
      return;
    }
    const { method, headers, url } = request;
    const forwarded = forwardTo(new URL(url, current.url), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    forwarded.once('error', () => response.destroy());
    request.pipe(forwarded);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urlOf: (subdomain: string) => `http://${subdomain}.app.localhost:${port}/`,
    useApp: (app: TestApp) => {
      current = app;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
};

const call = (
  page: Page,
  path: string,
  input?: object,
): Promise<{ result?: { data: { json: unknown } }; error?: unknown }> =>
  page.evaluate(
    async ([target, body]) => {
      const post = { method: 'POST', body, headers: { 'content-type': 'application/json', 'x-csrf': '1' } };
      const answer = await fetch(`/trpc/${target}`, body === '' ? {} : post);
      return answer.json();
    },
    [path, input === undefined ? '' : JSON.stringify({ json: input })] as const,
  );
const whoIs = async (page: Page) => {
  const { result } = await call(page, 'session.current');
  const current = result?.data.json as { state: string; session?: { user: { id: number } } } | undefined;
  return current?.session?.user.id ?? current?.state;
};
const signIn = (page: Page, { email, password }: Person) => call(page, 'session.login', { email, password });

describe.skipIf(!hasChromium)('COOKIE_DOMAIN in Chromium', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser.close());

  const open = async (context: BrowserContext, url: string): Promise<Page> => {
    const page = await context.newPage();
    await page.goto(url);
    return page;
  };

  it.each(dialects)('can be set, removed and set again without locking a person out (%s dialect)', async (dialect) => {
    await using site = await startSubdomains();
    await using context = await browser.newContext();
    const clock = createClock();
    await using first = await startApp({ dialect, now: clock.now });
    const [tts, bms] = await Promise.all([open(context, site.urlOf('tts')), open(context, site.urlOf('bms'))]);

    let people = [technician, admin];
    for (const domain of ['app.localhost', '', 'app.localhost', '', 'app.localhost']) {
      const env = { COOKIE_DOMAIN: domain, COOKIE_SECURE: 'false' };
      await using app = await startApp({ upstream: first.authService, now: clock.now, env });
      site.useApp(app);
      // A different person signs in each time, on either subdomain.
      people = people.toReversed();
      for (const [page, who] of [
        [tts, people[0]],
        [bms, people[1]],
      ] as const) {
        if (who === undefined) throw new Error('There are two people.');
        expect((await signIn(page, who)).error).toBeUndefined();
        expect(await whoIs(page)).toBe(who.id);
        expect((await call(page, 'session.refresh', {})).error).toBeUndefined();
        expect(await whoIs(page)).toBe(who.id);
      }
      // Shared cookies belong to the last sign-in; host-only cookies belong to each subdomain.
      expect(await whoIs(tts)).toBe((domain === '' ? people[0] : people[1])?.id);
      clock.advance(10_000);
    }
  });

  it('a session planted by another subdomain lasts at most until the next sign-in', async () => {
    await using site = await startSubdomains();
    await using context = await browser.newContext();
    const clock = createClock();
    await using app = await startApp({ now: clock.now, env: { COOKIE_SECURE: 'false' } });
    site.useApp(app);
    const tts = await open(context, site.urlOf('tts'));
    await signIn(tts, technician);
    expect(await whoIs(tts)).toBe(technician.id);

    const evil = await open(context, site.urlOf('evil'));
    const planted = await app.authService.issue({ type: 'staff', id: admin.id });
    for (const path of ['/', '/trpc', '/trpc/session.current']) {
      await evil.evaluate(
        ([token, at]) => {
          // oxlint-disable-next-line unicorn/no-document-cookie -- as another application would plant it
          document.cookie = `access_token=${token}; Domain=app.localhost; Path=${at}`;
        },
        [planted.access, path] as const,
      );
    }
    expect(await whoIs(tts)).toBe('signed_out');
    await signIn(tts, technician);
    expect(await whoIs(tts)).toBe(technician.id);
  });

  it('a planted session does not take over once the person’s own token has expired', async () => {
    await using site = await startSubdomains();
    await using context = await browser.newContext();
    const clock = createClock();
    await using app = await startApp({ now: clock.now, env: { COOKIE_SECURE: 'false' } });
    site.useApp(app);
    const tts = await open(context, site.urlOf('tts'));
    await signIn(tts, technician);
    // Measured with the browser's clock: a cookie of 900 s would expire together with the token.
    const kept = (await context.cookies()).find(({ name }) => name === 'access_token');
    expect(kept?.expires).toBeGreaterThan(Date.now() / 1000 + 86_400);

    clock.advance(900_000);
    const planted = await app.authService.issue({ type: 'staff', id: admin.id });
    await context.addCookies([{ name: 'access_token', value: planted.access, domain: '.app.localhost', path: '/' }]);
    expect(await whoIs(tts)).toBe('signed_out');
  });

  it('a sign-out removes the session for host-only and for shared cookies', async () => {
    await using site = await startSubdomains();
    await using context = await browser.newContext();
    await using app = await startApp({ env: { COOKIE_SECURE: 'false', COOKIE_DOMAIN: 'app.localhost' } });
    site.useApp(app);
    const tts = await open(context, site.urlOf('tts'));
    await signIn(tts, technician);
    const { access, refresh } = await app.authService.issue({ type: 'staff', id: technician.id });
    for (const [name, value] of Object.entries({ access_token: access, refresh_token: refresh })) {
      await context.addCookies([{ name, value, domain: new URL(site.urlOf('tts')).hostname, path: '/' }]);
    }
    expect(await whoIs(tts)).toBe(technician.id);
    await call(tts, 'session.logout', {});
    expect(await cookiesLeft(context)).toEqual([]);
    expect(await whoIs(tts)).toBe('signed_out');
  });
});
