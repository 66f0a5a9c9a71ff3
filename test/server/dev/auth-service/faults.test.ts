import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { EmbeddedAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import { ask, start } from './ask.ts';

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

/** All the bytes that come for a request, and how the socket ended. */
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
  ask(`${service.url}/api/v1/token/refresh/cookie/`, { method: 'POST', cookie: `refresh_token=${refresh}` });

/** The statuses of as many requests for a user, one after the other. */
const statuses = async (count: number): Promise<number[]> => {
  if (count === 0) return [];
  const { status } = await ask(user, { token });
  return [status, ...(await statuses(count - 1))];
};

describe('faults', () => {
  it('latency answers as usual, later', async () => {
    service.fault('user', { kind: 'latency', ms: 1 });
    expect(await ask(user, { token })).toMatchObject({ status: 200, body: { id: 123 } });
  });

  it('latency of an hour answers nothing while others are answered, and does no work before', async () => {
    await using slow = await start();
    const { access, refresh } = await slow.issue({ type: 'staff', id: 123 });
    slow.fault('refresh', { kind: 'latency', ms: 3_600_000 });
    let isAnswered = false;
    const late = ask(`${slow.url}/api/v1/token/refresh/cookie/`, {
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
      Array.from({ length: 20 }, () => ask(`${slow.url}/api/v1/tts/user-info/123/`, { token: access })),
    );
    expect(others.map(({ status }) => status)).toEqual(Array(20).fill(200));
    // The token was not exchanged: it still can be.
    slow.clearFaults();
    const exchanged = { method: 'POST', cookie: `refresh_token=${refresh}` };
    expect(await ask(`${slow.url}/api/v1/token/refresh/cookie/`, exchanged)).toMatchObject({ status: 200 });
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
    const answer = await ask(user, { token });
    expect([answer.status, answer.type, answer.text]).toEqual([status, type, text]);
    expect(answer.headers.get('retry-after')).toBe(retryAfter);
  });

  it('status does not do the work of the endpoint', async () => {
    const { refresh } = await service.issue({ type: 'staff', id: 123 });
    service.fault('refresh', { kind: 'status', status: 503, times: 1 });
    expect(await refreshWith(refresh)).toMatchObject({ status: 503 });
    expect(await refreshWith(refresh)).toMatchObject({ status: 200 });
  });

  it('status 204 has no body', async () => {
    service.fault('user', { kind: 'status', status: 204, body: 'unseen' });
    const { bytes } = await rawly(userRequest().replace('host: localhost', 'host: localhost\r\nconnection: close'));
    expect(bytes).toMatch(/^HTTP\/1.1 204 /);
    expect(bytes).not.toContain('unseen');
  });

  it('hang accepts and never answers', async () => {
    service.fault('user', { kind: 'hang' });
    const patience = new AbortController();
    const seen = service.count('user');
    const hanging = fetch(user, { signal: patience.signal }).catch((error: unknown) => error);
    await expect.poll(() => service.count('user')).toBe(seen + 1);
    // Another request is answered meanwhile, so it is this one alone that hangs.
    expect(await ask(`${service.url}/api/me/`)).toMatchObject({ status: 404 });
    patience.abort('given up');
    expect(await hanging).toBe('given up');
  });

  it.each([
    [{ kind: 'cut' }, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n\{"id":123,"email":/],
    [{ kind: 'cut', afterBytes: 4 }, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n\{"id$/],
    [{ kind: 'cut', afterBytes: 0 }, /^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n$/],
  ] as const)('%o resets the socket in mid-body', async (fault, bytes) => {
    service.fault('user', fault);
    const got = await rawly(userRequest());
    expect(got.bytes).toMatch(bytes);
    expect(got.bytes).not.toContain('"AMS","role"');
    expect(got.error).toMatchObject({ code: 'ECONNRESET' });
    await expect(ask(user, { token })).rejects.toThrow('terminated');
  });

  it('cut has done the work of the endpoint', async () => {
    const { refresh } = await service.issue({ type: 'staff', id: 123 });
    service.fault('refresh', { kind: 'cut', times: 1 });
    await expect(refreshWith(refresh)).rejects.toThrow('terminated');
    expect(await refreshWith(refresh)).toMatchObject({ status: 401, body: { detail: 'Token is blacklisted' } });
  });

  it('reset sends nothing at all', async () => {
    service.fault('user', { kind: 'reset' });
    const got = await rawly(userRequest());
    expect(got.bytes).toBe('');
    expect(got.error).toMatchObject({ code: 'ECONNRESET' });
  });

  it('garbage is not HTTP', async () => {
    service.fault('user', { kind: 'garbage' });
    await expect(ask(user, { token })).rejects.toMatchObject({ cause: { name: 'HTTPParserError' } });
  });

  it('drip sends the real answer byte by byte', async () => {
    service.fault('user', { kind: 'drip', bytesPerSecond: 100 });
    const slow = await fetch(user, { headers: { cookie: `access_token=${token}` } });
    const reader = slow.body?.getReader();
    expect(slow.headers.get('content-type')).toBe('application/json');
    expect((await reader?.read())?.value).toEqual(new TextEncoder().encode('{'));
    await reader?.cancel();
    service.fault('user', { kind: 'drip', bytesPerSecond: 5000 });
    expect(await ask(user, { token })).toMatchObject({ status: 200, body: { id: 123 } });
  });

  it.each([14, 70_000, 3_000_000])('huge is JSON of %i bytes', async (bytes) => {
    service.fault('user', { kind: 'huge', bytes });
    const answer = await ask(user, { token });
    expect([answer.status, answer.type, answer.text.length]).toEqual([200, 'application/json', bytes]);
    expect(answer.body).toHaveProperty('padding');
  });

  it('huge is 100 MB by default, of which a caller may have enough at once', async () => {
    service.fault('user', { kind: 'huge' });
    const response = await fetch(user);
    const reader = response.body?.getReader();
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0);
    await reader?.cancel();
    expect(await ask(`${service.url}/api/me/`)).toMatchObject({ status: 404 });
  });

  it('transform answers what becomes of the real answer', async () => {
    service.fault('user', {
      kind: 'transform',
      answer: ({ status, body, headers }) => ({
        status: status + 1,
        body: { was: body },
        headers: { ...headers, 'x-more': ['a', 'b'] },
      }),
    });
    const answer = await ask(user, { token });
    expect(answer).toMatchObject({ status: 201, body: { was: { id: 123 } } });
    expect(answer.headers.get('x-more')).toBe('a, b');
  });

  it('hold does the work and answers once let go', async () => {
    const { refresh } = await service.issue({ type: 'staff', id: 123 });
    const gate = new EventEmitter();
    const until = once(gate, 'open').then(() => undefined);
    service.fault('refresh', { kind: 'hold', until, times: 1 });
    const callsBefore = service.count('refresh');
    let answered = false;
    const held = refreshWith(refresh).finally(() => {
      answered = true;
    });
    // The fault holds the first call to arrive, so the next one waits until this one has.
    await expect.poll(() => service.count('refresh')).toBe(callsBefore + 1);
    await expect
      .poll(() => refreshWith(refresh))
      .toMatchObject({ status: 401, body: { detail: 'Token is blacklisted' } });
    expect(await statuses(3)).toEqual([200, 200, 200]);
    expect(answered).toBe(false);
    gate.emit('open');
    expect(await held).toMatchObject({ status: 200 });
  });

  it('clear themselves after their times, and by null', async () => {
    service.fault('user', { kind: 'status', status: 503, times: 2 });
    expect(await statuses(3)).toEqual([503, 503, 200]);
    service.fault('user', { kind: 'status', status: 503 });
    expect(await statuses(3)).toEqual([503, 503, 503]);
    service.fault('user', null);
    expect(await statuses(1)).toEqual([200]);
  });

  it('of an endpoint come before those of *, which also apply where there is no endpoint', async () => {
    service.fault('*', { kind: 'status', status: 500 });
    service.fault('user', { kind: 'status', status: 503 });
    expect(await ask(user, { token })).toMatchObject({ status: 503 });
    expect(await ask(`${service.url}/api/me/`)).toMatchObject({ status: 500 });
    expect(await ask(`${service.url}/nowhere/`)).toMatchObject({ status: 500 });
    service.clearFaults();
    expect(await ask(user, { token })).toMatchObject({ status: 200 });
  });
});
