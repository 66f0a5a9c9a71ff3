import { CookieJar } from 'tough-cookie';
import { describe, expect, it } from 'vitest';
import { staff as seededStaff } from '../../../../server/dev/auth-service/people/people.ts';
import { askRaw, postHeaders, resultOf, written } from '../../../support/app/raw-request.ts';
import { dialects, type StartAppOptions } from '../../../support/app/start-app.ts';
import { startSignInApp } from '../../../support/app/try-sign-in.ts';
import { johnsCredentials } from '../../../support/app/people.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const maria = { email: 'maria.santos@example.com', password: 'staff-pass-1' };

/** An app, and how to find out whether a browser is known for an account: strangers have used up their tries of it. */
const start = async (options: StartAppOptions = {}) => {
  const { app, clock, tryIn } = await startSignInApp(options);
  const signIn = async (account: { email: string; password: string }, cookie?: string): Promise<string> => {
    const { end, device } = await tryIn({ ...account, cookie });
    expect({ end, device }).toEqual({ end: 'signed_in', device: expect.any(String) });
    return device ?? '';
  };
  const isKnown = async (account: { email: string; password: string }, cookie: string): Promise<boolean> => {
    const ends: string[] = [];
    while (!ends.includes('rate_limited')) {
      ends.push((await tryIn({ ...account, password: 'wrong', address: `198.51.100.${ends.length}` })).end);
    }
    const { end } = await tryIn({ ...account, cookie, address: '192.0.2.1' });
    expect(['signed_in', 'rate_limited']).toContain(end);
    return end === 'signed_in';
  };
  return { ...app, clock, tryIn, signIn, isKnown, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};
const valueOf = (device: string) => device.slice(device.indexOf('=') + 1);

describe.each(dialects)('the device cookie with the %s service', (dialect) => {
  it('is set at each sign-in, encrypted, for 90 days', async () => {
    await using test = await start({ dialect });
    const { answer } = await test.tryIn(johnsCredentials);
    const line = answer.setCookies.find((one) => one.startsWith('auth_bff_device=')) ?? '';
    expect(line.split('; ').slice(1).toSorted()).toEqual([
      'HttpOnly',
      'Max-Age=7776000',
      'Path=/trpc',
      'SameSite=Lax',
      'Secure',
    ]);
    const parts = line.split(';')[0]?.split('=')[1]?.split('.') ?? [];
    expect(parts).toHaveLength(5);
    const readable = parts.map((part) => Buffer.from(part, 'base64url').toString('latin1')).join('\n');
    expect(readable).not.toMatch(/user|example|staff/);
  });

  it('is set after the second factor, not before', async () => {
    await using test = await start({ dialect });
    const rafael = { email: 'rafael.domingo@example.com', password: 'staff-pass-1' };
    const { challenge, device } = await test.tryIn(rafael);
    expect(device).toBeNull();
    const verify = (code: string) =>
      askRaw(test.url, {
        method: 'POST',
        target: '/trpc/session.verifyOtp',
        headers: postHeaders,
        body: written({ challenge, code }),
      });
    const code = test.authService.lastCode(rafael.email) ?? '';
    const wrong = await verify(code === '000000' ? '000001' : '000000');
    expect(wrong.setCookies).toEqual([]);
    const { setCookies } = await verify(code);
    const set = setCookies.find((line) => line.startsWith('auth_bff_device='))?.split(';')[0] ?? '';
    for (let tries = 0; tries < 8; tries += 1)
      await test.tryIn({ ...rafael, password: 'wrong', address: `192.0.2.${tries}` });
    expect((await test.tryIn(rafael)).end).toBe('rate_limited');
    expect((await test.tryIn({ ...rafael, cookie: set })).end).toBe('otp_required');
  });

  it('survives a sign-out and is not set by a failed sign-in', async () => {
    await using test = await start({ dialect });
    const browser = test.browser();
    await browser.trpc.session.login.mutate(johnsCredentials);
    await browser.trpc.session.logout.mutate();
    expect([...browser.cookies.keys()]).toEqual(['auth_bff_device']);
    const before = browser.cookies.get('auth_bff_device');
    await browser.trpc.session.login.mutate({ ...johnsCredentials, password: 'wrong' }).catch(() => {});
    expect(browser.cookies.get('auth_bff_device')).toBe(before);
    expect(await test.isKnown(johnsCredentials, `auth_bff_device=${before}`)).toBe(true);
  });
});

it.each([
  ['COOKIE_SECURE=false', { COOKIE_SECURE: 'false' }, ['HttpOnly', 'Path=/trpc', 'SameSite=Lax']],
  [
    'COOKIE_DOMAIN',
    { COOKIE_DOMAIN: 'example.org' },
    ['Domain=example.org', 'HttpOnly', 'Path=/trpc', 'SameSite=Lax', 'Secure'],
  ],
])('the device cookie has the attributes of the JWT cookies with %s', async (_name, env, attributes) => {
  await using test = await start({ env });
  const { answer } = await test.tryIn(johnsCredentials);
  const lines = answer.setCookies.filter((line) => line.startsWith('auth_bff_device='));
  expect(
    lines.map((line) =>
      line
        .split('; ')
        .slice(1)
        .filter((part) => !part.startsWith('Max-Age'))
        .toSorted(),
    ),
  ).toEqual([attributes]);
});

it('a browser sends the device cookie only to /trpc, only over https, for 90 days', async () => {
  await using test = await start({ env: { COOKIE_DOMAIN: 'example.org' } });
  const { answer } = await test.tryIn(johnsCredentials);
  const jar = new CookieJar(undefined, { rejectPublicSuffixes: false });
  for (const line of answer.setCookies) await jar.setCookie(line, 'https://tts.example.org/trpc/session.login');
  const sent = async (url: string) =>
    (await jar.getCookies(url)).map(({ key }) => key).filter((key) => key === 'auth_bff_device').length;
  expect(await sent('https://tts.example.org/trpc/session.login')).toBe(1);
  expect(await sent('https://ams.example.org/trpc/session.login')).toBe(1);
  expect(await sent('https://tts.example.org/')).toBe(0);
  expect(await sent('https://tts.example.org/tickets/')).toBe(0);
  expect(await sent('http://tts.example.org/trpc/session.login')).toBe(0);
  const device = (await jar.getCookies('https://tts.example.org/trpc/x')).find(({ key }) => key === 'auth_bff_device');
  expect(device).toMatchObject({ httpOnly: true, secure: true, sameSite: 'lax', maxAge: 90 * 24 * 60 * 60 });
});

describe('a browser', () => {
  it('is known only for the accounts that have signed in from it', async () => {
    await using test = await start();
    const device = await test.signIn(johnsCredentials);
    expect(await test.isKnown(maria, device)).toBe(false);
    const employee = {
      email: 'alice.navarro@partners.example.com',
      password: 'employee-pass-1',
      as: 'employee',
    } as const;
    test.authService.changePerson({ type: 'employee', id: 1 }, { email: johnsCredentials.email });
    expect(await test.isKnown({ ...employee, email: johnsCredentials.email }, device)).toBe(false);
    expect(await test.isKnown(johnsCredentials, device)).toBe(true);
  });

  it('is known for the last five accounts that have signed in from it', async () => {
    await using test = await start();
    const people = [123, 1, 2, 3, 4, 5].map((id) => {
      const { email = '', password = '' } = seededStaff.find((person) => person.id === id) ?? {};
      return { email, password };
    });
    let device: string | undefined;
    for (const person of people) {
      device = await test.signIn(person, device);
      test.clock.advance(1_000);
    }
    // The first signs in once more, so that the second is the one that was longest ago.
    const [first = johnsCredentials, second = maria, ...others] = people;
    expect(await test.isKnown(first, device ?? '')).toBe(false);
    device = await test.signIn(second, device);
    test.clock.advance(15 * minuteMs);
    device = await test.signIn(first, device);
    expect(await test.isKnown(first, device)).toBe(true);
    expect(await test.isKnown(second, device)).toBe(true);
    expect(await test.isKnown(others.at(-1) ?? johnsCredentials, device)).toBe(true);
    expect(await test.isKnown(others[0] ?? johnsCredentials, device)).toBe(false);
  });

  it('gets a cookie far below 4,096 bytes, even for five e-mail addresses of maximum length', async () => {
    await using test = await start();
    let device: string | undefined;
    for (const id of [1, 2, 3, 4, 5]) {
      const email = `${'\u00e9'.repeat(240)}.${id}@example.com`.slice(0, 254);
      test.authService.changePerson({ type: 'staff', id }, { email });
      device = await test.signIn({ email, password: 'staff-pass-1' }, device);
    }
    expect(device?.length).toBeLessThan(1_500);
  });

  it('is unknown 90 days after its last sign-in, even if it still sends the cookie', async () => {
    await using test = await start();
    const device = await test.signIn(johnsCredentials);
    const renewed = await test.signIn(maria, device);
    test.clock.advance(90 * dayMs - 1_000);
    expect(await test.isKnown(johnsCredentials, renewed)).toBe(true);
    test.clock.advance(16 * minuteMs);
    expect(await test.isKnown(johnsCredentials, renewed)).toBe(false);
    expect(await test.isKnown(maria, device)).toBe(false);
  });

  it('stays known for 90 more days after another sign-in', async () => {
    await using test = await start();
    const device = await test.signIn(johnsCredentials);
    test.clock.advance(60 * dayMs);
    const renewed = await test.signIn(johnsCredentials, device);
    test.clock.advance(60 * dayMs);
    expect(await test.isKnown(johnsCredentials, renewed)).toBe(true);
  });

  it.each([
    ['an empty value', () => ''],
    ['no value of ours', () => 'nonsense'],
    ['five parts that are none', () => 'a.b.c.d.e'],
    ['one with a character changed', (value: string) => `${value.slice(0, -2)}${value.endsWith('AA') ? 'BB' : 'AA'}`],
    ['one with something behind it', (value: string) => `${value}x`],
    ['one in quotation marks', (value: string) => `"${value}"`],
    ['one cut off', (value: string) => value.slice(0, -10)],
    ['an oversized one', (value: string) => `${value}${'x'.repeat(4_100)}`],
    ['percent signs', () => '%E0%A4%A'],
  ])('with %s as its device cookie is unknown until its next sign-in', async (_name, change) => {
    await using test = await start();
    const device = await test.signIn(johnsCredentials);
    const changed = `auth_bff_device=${change(valueOf(device))}`;
    const next = await test.signIn(johnsCredentials, changed);
    expect(await test.isKnown(johnsCredentials, changed)).toBe(false);
    expect(await test.isKnown(johnsCredentials, next)).toBe(true);
  });

  it('with the device cookie of another installation, or a challenge in its place, is unknown', async () => {
    await using test = await start();
    await using other = await start({ env: { SEALING_KEY: 'another-sealing-key-that-is-long-enough-0123' } });
    expect(await test.isKnown(johnsCredentials, await other.signIn(johnsCredentials))).toBe(false);
    const { challenge } = await test.tryIn({ email: 'rafael.domingo@example.com', password: 'staff-pass-1' });
    expect(await test.isKnown(johnsCredentials, `auth_bff_device=${challenge}`)).toBe(false);
  });
});

describe('a device cookie with several values', () => {
  it('combines its values and ignores those that another subdomain planted', async () => {
    await using test = await start();
    const one = await test.signIn(johnsCredentials);
    const other = await test.signIn(maria);
    const junk = Array.from({ length: 10 }, (_, index) => `auth_bff_device=junk${index}`).join('; ');
    const cookie = `${junk}; ${one}; ${other}`;
    expect(await test.isKnown(johnsCredentials, cookie)).toBe(true);
    expect(await test.isKnown(maria, cookie)).toBe(true);
    const merged = await test.signIn({ email: 'ingrid.solberg@example.com', password: 'staff-pass-1' }, cookie);
    test.clock.advance(16 * minuteMs);
    expect(await test.isKnown(johnsCredentials, merged)).toBe(true);
    expect(await test.isKnown(maria, merged)).toBe(true);
  });

  it('has one value after the next sign-in', async () => {
    await using test = await start();
    const host = 'tts.app.example.org';
    const url = `https://${host}/trpc/session.login`;
    const jar = new CookieJar(undefined, { rejectPublicSuffixes: false });
    const one = valueOf(await test.signIn(johnsCredentials));
    const other = valueOf(await test.signIn(maria));
    for (const [value, attributes] of [
      [one, 'Path=/trpc'],
      [other, 'Path=/trpc; Domain=example.org'],
      ['planted', 'Path=/; Domain=app.example.org'],
      ['planted', 'Path=/trpc/session.login; Domain=example.org'],
    ]) {
      await jar.setCookie(`auth_bff_device=${value}; Secure; ${attributes}`, url);
    }
    const devices = async () => (await jar.getCookies(url)).filter(({ key }) => key === 'auth_bff_device');
    expect(await devices()).toHaveLength(4);
    const answer = await askRaw(test.url, {
      method: 'POST',
      target: '/trpc/session.login',
      headers: { ...postHeaders, host, cookie: await jar.getCookieString(url) },
      body: written(johnsCredentials),
    });
    expect(resultOf(answer)).toMatchObject({ status: 'signed_in' });
    for (const line of answer.setCookies) await jar.setCookie(line, url);
    const left = await devices();
    expect(left.map(({ domain, path }) => ({ domain, path }))).toEqual([{ domain: host, path: '/trpc' }]);
    expect(await test.isKnown(maria, `auth_bff_device=${left[0]?.value}`)).toBe(true);
  });
});
