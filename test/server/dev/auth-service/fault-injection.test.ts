import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EmbeddedAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import { sendRequest, start } from './send-request.ts';

let service: EmbeddedAuthService;
let token: string;
let user: string;

beforeAll(async () => {
  service = await start();
  token = (await service.issue({ type: 'staff', id: 123 })).access;
  user = `${service.url}/api/v1/tts/user-info/123/`;
});
afterEach(() => service.clearFaults());
afterAll(() => service.close());

/** The bytes received for a request, and the socket error. */
const rawly = (request: string) =>
  new Promise<{ bytes: string; error: unknown }>((resolve) => {
    let bytes = '';
    let error: unknown;
    const socket = connect(Number(new URL(service.url).port), '127.0.0.1', () => socket.write(request));
    socket.setEncoding('latin1');
    socket.on('data', (chunk) => {
      bytes += String(chunk);
    });
    socket.on('error', (failure) => {
      error = failure;
    });
    socket.on('close', () => resolve({ bytes, error }));
  });

const userRequest = () =>
  `GET /api/v1/tts/user-info/123/ HTTP/1.1\r\nhost: localhost\r\ncookie: access_token=${token}\r\n\r\n`;

const refreshWith = (refresh: string) =>
  sendRequest(`${service.url}/api/v1/token/refresh/cookie/`, { method: 'POST', cookie: `refresh_token=${refresh}` });

/** The statuses of this many sequential requests for a user. */
const statuses = async (count: number): Promise<number[]> => {
  if (count === 0) return [];
  const { status } = await sendRequest(user, { token });
  return [status, ...(await statuses(count - 1))];
};

describe('faults', () => {
  it('a latency fault delays the normal response', async () => {
    service.fault('user', { kind: 'latency', ms: 1 });
    expect(await sendRequest(user, { token })).toMatchObject({ status: 200, body: { id: 123 } });
  });

  it('a latency fault delays processing too, and does not block other requests', async () => {
    await using slow = await start();
    const { access, refresh } = await slow.issue({ type: 'staff', id: 123 });
    slow.fault('refresh', { kind: 'latency', ms: 3_600_000 });
    let isAnswered = false;
    const late = sendRequest(`${slow.url}/api/v1/token/refresh/cookie/`, {
      method: 'POST',
      cookie: `refresh_token=${refresh}`,
    });
    const end = late
      .catch(() => null)
      .then((answer) => {
        isAnswered = answer !== null;
      });
    await vi.waitFor(() => expect(slow.count('refresh')).toBe(1));
    const others = await Promise.all(
      Array.from({ length: 20 }, () => sendRequest(`${slow.url}/api/v1/tts/user-info/123/`, { token: access })),
    );
    expect(others.map(({ status }) => status)).toEqual(Array(20).fill(200));
    // The delayed request has not exchanged the token, so it can still be exchanged.
    slow.clearFaults();
    const exchanged = { method: 'POST', cookie: `refresh_token=${refresh}` };
    expect(await sendRequest(`${slow.url}/api/v1/token/refresh/cookie/`, exchanged)).toMatchObject({ status: 200 });
    await slow.close();
    await end;
    expect(isAnswered).toBe(false);
  });

  it.each([
    [{ kind: 'status', status: 503 }, 503, 'text/html; charset=utf-8', '', null],
    [{ kind: 'status', status: 500, body: '{"error":"x"}' }, 500, 'application/json', '{"error":"x"}', null],
    [
      { kind: 'status', status: 429, body: 'slow', contentType: 'text/plain', headers: { 'retry-after': '7' } },
      429,
      'text/plain',
      'slow',
      '7',
    ],
    [{ kind: 'body', body: '{"id":' }, 200, 'application/json', '{"id":', null],
    [{ kind: 'body', body: '<p>', contentType: 'text/html' }, 200, 'text/html', '<p>', null],
  ] as const)('%o answers that instead', async (fault, status, type, text, retryAfter) => {
    service.fault('user', fault);
    const answer = await sendRequest(user, { token });
    expect([answer.status, answer.type, answer.text]).toEqual([status, type, text]);
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
  });

  it('a status fault does not process the request', async () => {
    const { refresh } = await service.issue({ type: 'staff', id: 123 });
    service.fault('refresh', { kind: 'status', status: 503, times: 1 });
    expect(await refreshWith(refresh)).toMatchObject({ status: 503 });
    expect(await refreshWith(refresh)).toMatchObject({ status: 200 });
  });

  it('a status fault with 204 sends no body', async () => {
    service.fault('user', { kind: 'status', status: 204, body: 'unseen' });
    const { bytes } = await rawly(userRequest().replace('host: localhost', 'host: localhost\r\nconnection: close'));
    expect(bytes).toMatch(/^HTTP\/1.1 204 /);
    expect(bytes).not.toContain('unseen');
  });

  it('a hang fault accepts the request and never answers', async () => {
    service.fault('user', { kind: 'hang' });
    const patience = new AbortController();
    const seen = service.count('user');
    const hanging = fetch(user, { signal: patience.signal }).catch((error: unknown) => error);
    await expect.poll(() => service.count('user')).toBe(seen + 1);
    // Another request is answered, so only the faulty endpoint hangs.
    expect(await sendRequest(`${service.url}/api/me/`)).toMatchObject({ status: 404 });
    patience.abort('given up');
    expect(await hanging).toBe('given up');
  });

  it.each([
    [{ kind: 'cut' }, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n\{"id":123,"email":/],
    [{ kind: 'cut', afterBytes: 4 }, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n\{"id$/],
    [{ kind: 'cut', afterBytes: 0 }, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/],
  ] as const)('a cut fault %o resets the socket within the body', async (fault, bytes) => {
    service.fault('user', fault);
    const got = await rawly(userRequest());
    expect(got.bytes).toMatch(bytes);
    expect(got.bytes).not.toContain('"AMS","role"');
    expect(got.error).toMatchObject({ code: 'ECONNRESET' });
    await expect(sendRequest(user, { token })).rejects.toThrow('terminated');
  });

  it('a cut fault processes the request', async () => {
    const { refresh } = await service.issue({ type: 'staff', id: 123 });
    service.fault('refresh', { kind: 'cut', times: 1 });
    await expect(refreshWith(refresh)).rejects.toThrow('terminated');
    expect(await refreshWith(refresh)).toMatchObject({ status: 401, body: { detail: 'Token is blacklisted' } });
  });

  it('a reset fault sends no bytes', async () => {
    service.fault('user', { kind: 'reset' });
    const got = await rawly(userRequest());
    expect(got.bytes).toBe('');
    expect(got.error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('a garbage fault sends bytes that are not HTTP', async () => {
    service.fault('user', { kind: 'garbage' });
    await expect(sendRequest(user, { token })).rejects.toMatchObject({ cause: { name: 'HTTPParserError' } });
  });

  it('a drip fault sends the normal response byte by byte', async () => {
    service.fault('user', { kind: 'drip', bytesPerSecond: 100 });
    const slow = await fetch(user, { headers: { cookie: `access_token=${token}` } });
    const reader = slow.body?.getReader();
    expect(slow.headers.get('content-type')).toBe('application/json');
    expect((await reader?.read())?.value).toEqual(new TextEncoder().encode('{'));
    await reader?.cancel();
    service.fault('user', { kind: 'drip', bytesPerSecond: 5000 });
    expect(await sendRequest(user, { token })).toMatchObject({ status: 200, body: { id: 123 } });
  });

  it.each([14, 70_000, 3_000_000])('a huge fault sends JSON of %i bytes', async (bytes) => {
    service.fault('user', { kind: 'huge', bytes });
    const answer = await sendRequest(user, { token });
    expect([answer.status, answer.type, answer.text.length]).toEqual([200, 'application/json', bytes]);
    expect(answer.body).toHaveProperty('padding');
  });

  it('a huge fault of the default 100 MB stops when the client disconnects', async () => {
    service.fault('user', { kind: 'huge' });
    const response = await fetch(user);
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    await reader?.cancel();
    expect(await sendRequest(`${service.url}/api/me/`)).toMatchObject({ status: 404 });
  });

  it('a transform fault sends the transformed response', async () => {
    service.fault('user', {
      kind: 'transform',
      answer: ({ status, body, headers }) => ({
        status: status + 1,
        body: { was: body },
        headers: { ...headers, 'x-more': ['a', 'b'] },
      }),
    });
    const answer = await sendRequest(user, { token });
    expect(answer).toMatchObject({ status: 201, body: { was: { id: 123 } } });
    expect(answer.headers.get('x-more')).toBe('a, b');
  });

  it('a hold fault processes the request and answers when it is released', async () => {
    const { refresh } = await service.issue({ type: 'staff', id: 123 });
    const release = new EventEmitter();
    const until = once(release, 'release').then(() => undefined);
    service.fault('refresh', { kind: 'hold', until, times: 1 });
    const callsBefore = service.count('refresh');
    let answered = false;
    const held = refreshWith(refresh).finally(() => {
      answered = true;
    });
    // The fault applies to the first request that arrives, so wait for it before the next one.
    await expect.poll(() => service.count('refresh')).toBe(callsBefore + 1);
    await expect
      .poll(() => refreshWith(refresh))
      .toMatchObject({ status: 401, body: { detail: 'Token is blacklisted' } });
    expect(await statuses(3)).toEqual([200, 200, 200]);
    expect(answered).toBe(false);
    release.emit('release');
    expect(await held).toMatchObject({ status: 200 });
  });

  it('a fault clears itself after `times` requests, and null clears it', async () => {
    service.fault('user', { kind: 'status', status: 503, times: 2 });
    expect(await statuses(3)).toEqual([503, 503, 200]);
    service.fault('user', { kind: 'status', status: 503 });
    expect(await statuses(3)).toEqual([503, 503, 503]);
    service.fault('user', null);
    expect(await statuses(1)).toEqual([200]);
  });

  it('the fault of an endpoint takes precedence over *, which also applies to unknown paths', async () => {
    service.fault('*', { kind: 'status', status: 500 });
    service.fault('user', { kind: 'status', status: 503 });
    expect(await sendRequest(user, { token })).toMatchObject({ status: 503 });
    expect(await sendRequest(`${service.url}/api/me/`)).toMatchObject({ status: 500 });
    expect(await sendRequest(`${service.url}/nowhere/`)).toMatchObject({ status: 500 });
    service.clearFaults();
    expect(await sendRequest(user, { token })).toMatchObject({ status: 200 });
  });
});
