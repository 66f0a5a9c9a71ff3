import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from '../../support/app/start-app.ts';

const token = 'Tk_0123456789-abcdefghijklmnopqrstuvwxyz_ABCDEFGHIJKLMNOPQRSTUVWX';
const staffPaths = ['/api/v1/users/password/reset', '/api/v1/users/password/reset/'];
const employeePaths = ['/employees/reset-password/', '/employees/reset-password'];
const paths: Array<[string, string]> = [
  ...staffPaths.map((path): [string, string] => [path, 'staff']),
  ...employeePaths.map((path): [string, string] => [path, 'employee']),
];

const publicUrl = 'https://bff.example.org';
const startWith = (pageUrl: string, env: Record<string, string> = {}) =>
  startApp({ env: { PUBLIC_URL: publicUrl, PASSWORD_RESET_URL: pageUrl, ...env } });

describe('the link of a reset mail', () => {
  let app: TestApp;
  const open = (target: string, headers: Record<string, string> = {}) =>
    fetch(`${app.url}${target}`, { redirect: 'manual', headers });
  const locationOf = async (target: string) => (await open(target)).headers.get('location');
  beforeAll(async () => {
    app = await startWith('https://app.example/account/new-password', { CORS_ORIGINS: 'https://app.example' });
  });
  afterAll(() => app[Symbol.asyncDispose]());

  it.each(paths)(
    '%s leads to the page of the frontend for %s, and neither is cached nor sent as a referrer',
    async (path, as) => {
      // As a browser opens it from a web mailer.
      const answer = await open(`${path}?token=${token}`, {
        'sec-fetch-site': 'cross-site',
        'sec-fetch-mode': 'navigate',
        referer: 'https://mail.example/',
      });
      expect(answer.status).toBe(303);
      expect(answer.headers.get('location')).toBe(`https://app.example/account/new-password?token=${token}&as=${as}`);
      expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
      expect(answer.headers.get('cache-control')).toBe('no-store');
      expect(await answer.text()).toBe('');
    },
  );

  it.each([
    ['no token', ''],
    ['an empty token', '?token='],
    ['two tokens', `?token=${token}&token=other-token-1`],
    ['a short token', '?token=abc'],
    ['a token that is too long', `?token=${'a'.repeat(513)}`],
    ['a token with markup', '?token=%3Cscript%3Ealert(1)%3C/script%3E'],
    ['a token with line breaks', '?token=abcdefgh%0d%0aset-cookie:%20a=b'],
    ['a token that adds a parameter', '?token=abcdefgh%26as%3Demployee'],
    ['a name of the prototype', '?__proto__[token]=abcdefgh'],
  ])('leads to the page without a token if it has %s', async (_name, query) => {
    for (const [path, as] of paths) {
      expect(await locationOf(`${path}${query}`)).toBe(`https://app.example/account/new-password?as=${as}`);
    }
  });

  it('keeps tokens of 8 to 512 characters', async () => {
    const lengths = [7, 8, 512, 513];
    const locations = await Promise.all(
      lengths.map((length) => locationOf(`${staffPaths[0]}?token=${'a'.repeat(length)}`)),
    );
    const hasToken = locations.map((location) => new URL(location ?? '').searchParams.has('token'));
    expect(hasToken).toEqual([false, true, true, false]);
  });

  it.each([
    '?token=abcdefgh&next=https://evil.example',
    '?token=abcdefgh&url=//evil.example&redirect=//evil.example',
    '?token=abcdefgh&as=admin',
    '?token=abcdefgh#@evil.example',
  ])('leads nowhere else with %s', async (query) => {
    expect(await locationOf(`${staffPaths[0]}${query}`)).toBe(
      'https://app.example/account/new-password?token=abcdefgh&as=staff',
    );
  });

  it('is for navigations, and not for scripts of an allowed origin', async () => {
    const { headers } = await open(`${staffPaths[0]}?token=${token}`, { origin: 'https://app.example' });
    expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
  });

  it('leads nowhere else with a forged host', async () => {
    const answer = await open(`${staffPaths[0]}?token=${token}`, { 'x-forwarded-host': 'evil.example' });
    expect(new URL(answer.headers.get('location') ?? '').host).toBe('app.example');
  });

  it.each([
    '//evil.example/employees/reset-password/',
    '/employees/reset-password//evil.example',
    '/employees/reset-password/x',
  ])('is not %s', async (path) => {
    expect((await open(path)).status).toBe(404);
  });

  it('takes GET and HEAD only', async () => {
    const statusOf = async (method: string) =>
      (await fetch(`${app.url}${staffPaths[0]}?token=${token}`, { method, redirect: 'manual' })).status;
    expect(await Promise.all(['HEAD', 'POST', 'PUT', 'DELETE'].map(statusOf))).toEqual([303, 404, 404, 404]);
  });

  it('has its token in no line of the log at any level', () => {
    expect(app.config.logLevel).toBe('trace');
    const lines = app.logLines.map((line) => JSON.stringify(line));
    expect(lines.filter((line) => line.includes('password/reset')).length).toBeGreaterThan(5);
    expect(lines.filter((line) => /Tk_0123|abcdefgh|mail.example/.test(line))).toEqual([]);
  });
});

describe('the page of the frontend', () => {
  it.each([
    ['https://app.example/reset?tenant=a%20b', `https://app.example/reset?tenant=a%20b&token=${token}&as=staff`],
    ['https://app.example/', `https://app.example/?token=${token}&as=staff`],
    ['https://app.example', `https://app.example/?token=${token}&as=staff`],
    ['https://app.example/reset/', `https://app.example/reset/?token=${token}&as=staff`],
    // A hash route has its parameters in the fragment, where its router reads them.
    ['https://app.example/#/reset', `https://app.example/#/reset?token=${token}&as=staff`],
    ['https://app.example/?a=b#!/reset?c=d', `https://app.example/?a=b#!/reset?c=d&token=${token}&as=staff`],
  ])('may be %s', async (pageUrl, expected) => {
    await using app = await startWith(pageUrl);
    const answer = await fetch(`${app.url}${staffPaths[0]}?token=${token}`, { redirect: 'manual' });
    expect(answer.headers.get('location')).toBe(expected);
  });
});

it.each([
  ['neither variable', {}],
  ['PUBLIC_URL alone', { PUBLIC_URL: publicUrl }],
  ['PASSWORD_RESET_URL alone', { PASSWORD_RESET_URL: 'https://app.example/reset' }],
] as Array<[string, Record<string, string>]>)('with %s, the links are unknown paths', async (_name, env) => {
  await using app = await startApp({ env });
  const bodyOf = async (target: string) => {
    const answer = await fetch(`${app.url}${target}`, { redirect: 'manual' });
    return [answer.status, await answer.json()];
  };
  const unknown = await bodyOf('/nothing/here');
  expect(unknown[0]).toBe(404);
  for (const [path] of paths) expect(await bodyOf(`${path}?token=${token}`)).toEqual(unknown);
});
