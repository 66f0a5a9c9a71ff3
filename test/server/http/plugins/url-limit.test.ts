import { describe, expect, it } from 'vitest';
import { johnsCredentials } from '../../../support/app/people.ts';
import {
  askRaw,
  errorOf,
  outcomesOf,
  postHeaders,
  resultOf,
  sendLines,
  written,
} from '../../../support/app/raw-request.ts';
import { startApp } from '../../../support/app/start-app.ts';

const login = written(johnsCredentials);

const tooLarge = { code: 'PAYLOAD_TOO_LARGE', httpStatus: 413, reason: 'payload_too_large' };
const invalid = { code: 'BAD_REQUEST', httpStatus: 400, reason: 'invalid_input' };

describe('the limit on a body', () => {
  /** White space is allowed before JSON. */
  const padded = (bytes: number) => login.padStart(bytes, ' ');
  const send = (url: string, body: string | string[]) =>
    askRaw(url, { method: 'POST', target: '/trpc/session.login', headers: postHeaders, body });

  it('accepts 100 kB, with Content-Length or chunked', async () => {
    await using app = await startApp();
    expect(resultOf(await send(app.url, padded(100_000)))).toMatchObject({ status: 'signed_in' });
    const chunks = [padded(100_000).slice(0, 60_000), padded(100_000).slice(60_000)];
    expect(resultOf(await send(app.url, chunks))).toMatchObject({ status: 'signed_in' });
  });

  it('rejects one byte more, with Content-Length or chunked, without side effects', async () => {
    await using app = await startApp();
    const chunks = [padded(100_001).slice(0, 60_000), padded(100_001).slice(60_000)];
    for (const body of [padded(100_001), chunks]) {
      const answer = await send(app.url, body);
      expect(errorOf(answer)).toMatchObject(tooLarge);
      expect(answer.setCookies).toEqual([]);
    }
    expect(app.authService.count()).toBe(0);
  });

  it('counts bytes, not characters', async () => {
    await using app = await startApp();
    expect(errorOf(await send(app.url, written({ email: 'ä'.repeat(50_001) })))).toMatchObject(tooLarge);
  });

  it('rejects a request by its Content-Length before the body arrives', async () => {
    await using app = await startApp();
    const headers = Object.entries(postHeaders).map(([name, value]) => `${name}: ${value}`);
    const answer = await sendLines(app.url, [
      'POST /trpc/session.login HTTP/1.1',
      'host: a',
      ...headers,
      'content-length: 100001',
      'connection: close',
      '',
      '',
    ]);
    expect(errorOf(answer)).toMatchObject(tooLarge);
  });

  it('rejects a body that is not JSON by its type first, at any size', async () => {
    await using app = await startApp();
    const headers = { 'content-type': 'text/plain', 'x-csrf': '1' };
    const body = ' '.repeat(100_001);
    const answer = await askRaw(app.url, { method: 'POST', target: '/trpc/session.login', headers, body });
    expect(errorOf(answer).reason).toBe('unsupported_media_type');
  });
});

describe('the limit on a URL', () => {
  const target = (bytes: number, path = '/trpc/session.me?batch=1&pad=') => path.padEnd(bytes, 'a');

  it('accepts 12 kB beside two cookies of 1.5 kB each', async () => {
    await using app = await startApp();
    const { access } = await app.authService.issue({ type: 'staff', id: 123 }, { pad: 'x'.repeat(800) });
    expect(access.length).toBeGreaterThan(1_200);
    const cookie = `access_token=${access}; refresh_token=${'r'.repeat(1_500)}`;
    const answer = await askRaw(app.url, { target: target(12_000), headers: { cookie } });
    expect(answer.status).toBe(200);
    expect(outcomesOf(answer)).toMatchObject([{ user: { id: 123 } }]);
  });

  it('rejects one byte more, in the query, in the path and on an unknown path', async () => {
    await using app = await startApp();
    for (const path of ['/trpc/session.me?batch=1&pad=', '/trpc/', '/trpc', '/no-such-path/']) {
      expect(errorOf(await askRaw(app.url, { target: target(12_001, path) }))).toMatchObject(tooLarge);
    }
  });

  it('answers 404 to an unknown name as long as the maximum URL', async () => {
    await using app = await startApp();
    const answer = await askRaw(app.url, { target: target(12_000, '/trpc/') });
    expect(errorOf(answer)).toMatchObject({ httpStatus: 404, reason: 'no_such_procedure' });
  });

  it('applies to mutations, too, which are not run', async () => {
    await using app = await startApp();
    const answer = await askRaw(app.url, {
      method: 'POST',
      target: target(12_001, '/trpc/session.login?pad='),
      headers: postHeaders,
      body: login,
    });
    expect(errorOf(answer)).toMatchObject(tooLarge);
    expect(answer.setCookies).toEqual([]);
    expect(app.authService.count()).toBe(0);
  });
});

it('rejects headers that exceed the parser limit', async () => {
  await using app = await startApp();
  const lines = ['GET /trpc/status.get HTTP/1.1', 'host: a', `x-pad: ${'a'.repeat(33_000)}`, '', ''];
  expect(errorOf(await sendLines(app.url, lines))).toMatchObject(tooLarge);
});

describe('the limit on a batch', () => {
  const batch = (calls: number, comma = ',') => `/trpc/${Array(calls).fill('status.get').join(comma)}?batch=1`;

  it('accepts 50 calls', async () => {
    await using app = await startApp();
    const answer = await askRaw(app.url, { target: batch(50) });
    expect(answer.status).toBe(200);
    expect(outcomesOf(answer)).toHaveLength(50);
  });

  it.each([
    ['commas', ','],
    ['encoded commas', '%2C'],
    ['commas encoded twice', '%252C'],
  ])('rejects 51, joined by %s', async (_name, comma) => {
    await using app = await startApp();
    expect(errorOf(await askRaw(app.url, { target: batch(51, comma) }))).toMatchObject(invalid);
  });

  it('rejects 51 empty names, too', async () => {
    await using app = await startApp();
    const answer = await askRaw(app.url, { target: `/trpc/${','.repeat(50)}?batch=1` });
    expect(errorOf(answer)).toMatchObject(invalid);
  });

  it('does not split a path at commas without batch=1', async () => {
    await using app = await startApp();
    for (const search of ['', '?batch=0', '?batch=true', '?batch', '?batch=0&batch=1', '?Batch=1']) {
      const answer = await askRaw(app.url, { target: `/trpc/status.get,status.get${search}` });
      expect(errorOf(answer).reason).toBe('no_such_procedure');
    }
  });
});

describe('a session mutation', () => {
  const inputs = `{"0":${login},"1":${login}}`;
  const startSignedIn = async () => {
    const app = await startApp();
    const tokens = await app.authService.issue({ type: 'staff', id: 123 });
    const cookie = `access_token=${tokens.access}; refresh_token=${tokens.refresh}`;
    const post = (path: string, headers: Record<string, string> = {}) =>
      askRaw(app.url, {
        method: 'POST',
        target: `/trpc/${path}`,
        headers: { ...postHeaders, cookie, ...headers },
        body: inputs,
      });
    return { app, post, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
  };

  it.each([
    ['with itself', 'session.logout,session.logout', ['invalid_input', 'invalid_input']],
    ['with another', 'session.login,session.logout', ['invalid_input', 'invalid_input']],
    ['with an unknown procedure', 'session.login,no.such', ['invalid_input', 'no_such_procedure']],
    ['after an unknown procedure', 'no.such,session.refresh', ['no_such_procedure', 'invalid_input']],
    ['before an empty name', 'session.logout,', ['invalid_input', 'no_such_procedure']],
    ['after an empty name', ',session.logout', ['no_such_procedure', 'invalid_input']],
    ['by an encoded comma', 'session.login%2Csession.logout', ['invalid_input', 'invalid_input']],
    ['by a comma encoded twice', 'session.login%252Csession.logout', ['invalid_input', 'invalid_input']],
    ['with encoded dots', 'session%2Elogin,session%252Elogout', ['invalid_input', 'invalid_input']],
  ])('is rejected in a batch %s, without side effects', async (_name, path, reasons) => {
    await using test = await startSignedIn();
    const { app, post } = test;
    const answer = await post(`${path}?batch=1`);
    expect(outcomesOf(answer)).toEqual(reasons);
    expect(answer.setCookies).toEqual([]);
    expect(app.authService.count()).toBe(0);
  });

  it('is rejected in a batch with a query, and neither is run', async () => {
    await using test = await startSignedIn();
    const { app, post } = test;
    for (const path of ['session.logout,status.get', 'users.me,session.logout', 'session.validate%2Csession.login']) {
      const answer = await post(`${path}?batch=1`);
      expect(errorOf(answer)).toMatchObject(invalid);
      expect(answer.setCookies).toEqual([]);
    }
    expect(app.authService.count()).toBe(0);
  });

  it('is accepted in a batch of one', async () => {
    await using test = await startSignedIn();
    const { post } = test;
    const answer = await post('session.login?batch=1');
    expect(outcomesOf(answer)).toMatchObject([{ status: 'signed_in' }]);
    expect(answer.setCookies).toHaveLength(3);
    expect(outcomesOf(await post('session.logout?batch=1'))).toEqual([null]);
  });

  it.each([
    ['trpc-accept', { 'trpc-accept': 'application/jsonl' }],
    ['accept', { accept: 'application/jsonl' }],
    ['accept among others', { accept: 'application/json, application/jsonl' }],
  ])('is rejected as a stream, requested by %s, because its cookies would be sent too late', async (_name, accepts) => {
    await using test = await startSignedIn();
    const { app, post } = test;
    for (const path of ['session.login', 'session.logout', 'session.refresh', 'session.login,session.logout']) {
      const answer = await post(`${path}?batch=1`, accepts);
      expect(answer.body).toContain('"reason":"invalid_input"');
      expect(answer.body).not.toContain('signed_in');
      expect(answer.setCookies).toEqual([]);
      expect(errorOf(await post(path, accepts))).toMatchObject(invalid);
    }
    expect(app.authService.count()).toBe(0);
  });
});
