import { describe, expect, it } from 'vitest';
import { askRaw, errorOf, postHeaders, resultOf, sendLines } from '../../../support/app/raw-request.ts';
import { startApp } from '../../../support/app/start-app.ts';

describe.each(['PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'])('%s', (method) => {
  it.each([
    ['without a type', {}],
    ['as JSON', postHeaders],
    ['as plain text', { 'content-type': 'text/plain' }],
    ['as a form', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['as bytes', { 'content-type': 'application/octet-stream' }],
  ])('is not allowed %s, for any procedure', async (_name, headers) => {
    await using app = await startApp();
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    for (const path of ['session.logout', 'session.logout?batch=1', 'session.me', 'status.get', 'no.such']) {
      const cookie = `access_token=${access}`;
      const answer = await askRaw(app.url, { method, target: `/trpc/${path}`, headers: { ...headers, cookie } });
      expect(errorOf(answer)).toMatchObject({ code: 'METHOD_NOT_SUPPORTED', reason: 'method_not_allowed' });
      expect(answer.headers.allow).toBe('GET, HEAD, POST');
      expect(answer.setCookies).toEqual([]);
    }
    expect(app.authService.count()).toBe(0);
  });
});

it('answers HEAD without a body or side effects', async () => {
  await using app = await startApp();
  const { access, refresh } = await app.authService.issue({ type: 'staff', id: 123 });
  const cookie = `access_token=${access}; refresh_token=${refresh}`;
  for (const path of ['session.logout', 'session.refresh', 'session.validate', 'users.me', 'status.get']) {
    const answer = await askRaw(app.url, { method: 'HEAD', target: `/trpc/${path}`, headers: { cookie } });
    expect(answer).toMatchObject({ status: 204, body: '', setCookies: [] });
  }
  expect(app.authService.count()).toBe(0);
});

it('answers a POST to a query, and a GET to a mutation, with method_not_allowed', async () => {
  await using app = await startApp();
  const post = { method: 'POST', target: '/trpc/status.get', headers: postHeaders, body: '{}' };
  for (const asked of [post, { target: '/trpc/session.logout' }]) {
    expect(errorOf(await askRaw(app.url, asked))).toMatchObject({ httpStatus: 405, reason: 'method_not_allowed' });
  }
});

it.each([
  ['a Host of one bracket', '/trpc/status.get', '['],
  ['a Host with a space', '/trpc/status.get', 'a b'],
  ['a Host with a user name', '/trpc/status.get', 'user@bff.example'],
  ['a Host with a user name and password', '/trpc/status.get', 'user:secret@bff.example'],
  ['a Host with an invalid port', '/trpc/status.get', 'bff.example:65536'],
  ['an empty Host', '/trpc/status.get', ''],
  ['a whole address with a user name', 'http://user@bff.example/trpc/status.get', 'bff.example'],
])('rejects %s as a malformed request, without an internal error', async (_name, target, host) => {
  await using app = await startApp();
  const answer = await sendLines(app.url, [`GET ${target} HTTP/1.1`, `host: ${host}`, 'connection: close', '', '']);
  expect(errorOf(answer)).toMatchObject({ httpStatus: 400, reason: 'invalid_input', issues: [] });
  expect(app.logLines.filter(({ level }) => Number(level) >= 50)).toEqual([]);
});

it('accepts an absolute URL in the request line, as a proxy may send it', async () => {
  await using app = await startApp();
  const answer = await askRaw(app.url, { target: `${app.url}/trpc/status.get` });
  expect(resultOf(answer)).toMatchObject({ authService: 'up' });
});
