import { describe, expect, it } from 'vitest';
import { signInPeople, staff } from '../../../server/dev/auth-service/people/people.ts';
import { reasonOf } from '../../support/app/browser.ts';
import { holdEndpoint } from '../../support/auth-service/hold-endpoint.ts';
import { createClock, startApp, type StartAppOptions, type TestApp } from '../../support/app/start-app.ts';
import { john, johnsCredentials as credentials } from '../../support/app/people.ts';
import { answerWithTokens } from '../../support/auth-service/answer-with-tokens.ts';

const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, ...options });
  const tokens = await app.authService.issue(john);
  const holder = (held: { access?: string | undefined; refresh?: string | undefined } = tokens) => {
    const browser = app.browser();
    browser.holdTokens(held);
    return browser;
  };
  return { app, clock, tokens, holder, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};

const heldBy = ({ cookies }: { cookies: Map<string, string> }) => ({
  access: cookies.get('access_token'),
  refresh: cookies.get('refresh_token'),
});

describe('a sign-out', () => {
  it('takes precedence over a refresh that already has its new tokens but has not responded yet', async () => {
    await using test = await start({ authService: { claims: 'least' } });
    const gate = holdEndpoint(test.app.authService, 'user');
    const browser = test.holder();
    const refresh = reasonOf(browser.trpc.session.refresh.mutate());
    await gate.held;
    await test.holder().trpc.session.logout.mutate();
    gate.release();
    expect(await refresh).toBe('session_ended');
    expect(browser.setCookies).toEqual([]);
  });

  it('does not make a refresh in flight, which the Auth Service then rejects, clear newer cookies', async () => {
    await using test = await start();
    const gate = holdEndpoint(test.app.authService, 'refresh');
    const browser = test.holder();
    const refresh = reasonOf(browser.trpc.session.refresh.mutate());
    await gate.held;
    await test.holder().trpc.session.logout.mutate();
    gate.release();
    expect(await refresh).toBe('session_ended');
    expect(browser.setCookies).toEqual([]);
  });
});

describe('a refresh', () => {
  it('with an old token returns the newest tokens of the session, not intermediate ones', async () => {
    await using test = await start();
    const browser = test.holder();
    await browser.trpc.session.refresh.mutate();
    await browser.trpc.session.refresh.mutate();
    const loser = test.holder();
    await loser.trpc.session.refresh.mutate();
    expect(heldBy(loser)).toEqual(heldBy(browser));
  });

  it('in flight during a new sign-in does not restore the cookies of the earlier person', async () => {
    await using test = await start();
    const gate = holdEndpoint(test.app.authService, 'refresh');
    const late = test.holder();
    const refresh = reasonOf(late.trpc.session.refresh.mutate());
    await gate.held;
    await test.holder().trpc.session.login.mutate(credentials);
    gate.release();
    expect(await refresh).toBe('refresh_superseded');
    expect(late.setCookies).toEqual([]);
  });

  it('that already has its new tokens during a new sign-in does not restore the cookies of the earlier person', async () => {
    await using test = await start({ authService: { claims: 'least' } });
    const gate = holdEndpoint(test.app.authService, 'user');
    const late = test.holder();
    const refresh = reasonOf(late.trpc.session.refresh.mutate());
    await gate.held;
    test.app.authService.clearFaults();
    const before = test.holder();
    const { email = '', password = '' } = staff.find(({ id }) => id === 5) ?? {};
    await before.trpc.session.login.mutate({ email, password });
    gate.release();
    expect(await refresh).toBe('refresh_superseded');
    expect(late.setCookies).toEqual([]);
    expect((await before.trpc.session.me.query()).user.id).toBe(5);
  });

  it('with a token that expired after it was exchanged clears no cookies', async () => {
    await using test = await start({ authService: { refreshLifetimeSeconds: 60 } });
    await test.holder().trpc.session.refresh.mutate();
    test.clock.advance(60_000);
    const straggler = test.holder();
    expect(await reasonOf(straggler.trpc.session.refresh.mutate())).toBe('refresh_superseded');
    expect(straggler.setCookies).toEqual([]);
  });

  it('clears no cookies while the clock of the BFF is behind that of the Auth Service', async () => {
    await using test = await start();
    test.clock.advance(-60_000);
    const browser = test.holder();
    expect(await reasonOf(browser.trpc.session.refresh.mutate())).toBe('token_invalid');
    expect(browser.setCookies).toEqual([]);
  });

  it('shares its result for 30 seconds, even if the clock is set back meanwhile', async () => {
    await using test = await start();
    await test.holder().trpc.session.refresh.mutate();
    test.clock.advance(-20_000);
    expect(await reasonOf(test.holder().trpc.session.refresh.mutate())).toBe('refresh_superseded');
  });

  it('succeeds if the Auth Service issues an old refresh token again', async () => {
    await using test = await start();
    const browser = test.holder();
    await browser.trpc.session.refresh.mutate();
    test.app.authService.fault('refresh', answerWithTokens(test.tokens));
    await browser.trpc.session.refresh.mutate();
    expect(await browser.trpc.session.logout.mutate()).toBeNull();
  });

  it('ignores a cookie of the Auth Service that is larger than a browser accepts', async () => {
    await using test = await start();
    test.app.authService.fault('refresh', {
      kind: 'transform',
      answer: ({ headers, ...answer }) => ({
        ...answer,
        headers: {
          ...headers,
          'set-cookie': [headers['set-cookie'] ?? [], `sessionid=${'x'.repeat(5_000)}`].flat(),
        },
      }),
    });
    expect((await test.holder().trpc.session.refresh.mutate()).user.id).toBe(123);
  });
});

describe('a second factor', () => {
  const person = signInPeople.find(({ shows }) => shows.startsWith('Second factor'));
  const challengeOf = async ({ app }: { app: TestApp }) => {
    const { email = '', password = '' } = person ?? {};
    const answer = await app.browser().trpc.session.login.mutate({ email, password });
    if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
    return { challenge: answer.challenge, code: app.authService.lastCode(email) ?? '' };
  };

  it.each([
    ['in plain text', { status: 400, body: 'Invalid code', contentType: 'text/plain' }],
    ['as a page', { status: 400, body: '<p>Invalid code</p>', contentType: 'text/html' }],
    ['by a redirect', { status: 302, headers: { location: '/login/' } }],
    ['as not found', { status: 404, body: '{"detail":"Invalid code"}' }],
    ['as a success that is none', { status: 200, body: '{"success":false,"otp_required":true}' }],
  ])('counts a wrong code that the Auth Service reports %s', async (_name, answer) => {
    await using test = await start();
    const { challenge } = await challengeOf(test);
    test.app.authService.fault('staff-otp', { kind: 'status', contentType: 'application/json', ...answer });
    for (let guess = 0; guess < 8; guess += 1) {
      await reasonOf(test.app.browser().trpc.session.verifyOtp.mutate({ challenge, code: '000000' }));
    }
    expect(test.app.authService.count('staff-otp')).toBe(5);
  });

  it('does not count a code for which the Auth Service gave no verdict', async () => {
    await using test = await start();
    const { challenge, code } = await challengeOf(test);
    const attempt = () => test.app.browser().trpc.session.verifyOtp.mutate({ challenge, code });
    test.app.authService.fault('staff-otp', { kind: 'status', status: 503 });
    for (let call = 0; call < 6; call += 1) expect(await reasonOf(attempt())).toBe('auth_service_unavailable');
    test.app.authService.clearFaults();
    expect(await attempt()).toMatchObject({ status: 'signed_in' });
  });

  it('cannot be skipped with the token that was issued before it', async () => {
    await using test = await start();
    const { challenge } = await challengeOf(test);
    const { access } = await test.app.authService.issue({ type: 'staff', id: 7 });
    const body = JSON.stringify({ success: false, otp_required: true, access_token: access });
    test.app.authService.fault('staff-otp', { kind: 'body', body });
    const browser = test.app.browser();
    expect(await reasonOf(browser.trpc.session.verifyOtp.mutate({ challenge, code: '000000' }))).toBe('otp_invalid');
    expect(browser.cookies.size).toBe(0);
  });

  it('signs in once if the right code arrives many times in parallel', async () => {
    await using test = await start();
    const { challenge, code } = await challengeOf(test);
    const { access, refresh } = await test.app.authService.issue({ type: 'staff', id: 7 });
    // A service that does not burn its codes.
    const body = JSON.stringify({ access_token: access, refresh_token: refresh });
    test.app.authService.fault('staff-otp', { kind: 'body', body });
    const outcomes = await Promise.all(
      Array.from({ length: 3 }, () =>
        test.app
          .browser()
          .trpc.session.verifyOtp.mutate({ challenge, code })
          .then(
            () => 'signed in',
            () => 'refused',
          ),
      ),
    );
    expect(outcomes.toSorted()).toEqual(['refused', 'refused', 'signed in']);
  });
});
