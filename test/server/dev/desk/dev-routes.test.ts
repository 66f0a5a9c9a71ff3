import { describe, expect, it } from 'vitest';
import { askRaw } from '../../../support/app/raw-request.ts';
import { sendRequest, STAFF } from '../auth-service/send-request.ts';
import { startDesk, ticketsUrl } from './start-desk.ts';

type Desk = Awaited<ReturnType<typeof startDesk>>;

const csrf = { 'x-csrf': '1' };
const change = (desk: Desk, method: string, path: string, json?: unknown) =>
  sendRequest(`${desk.url}/dev/${path}`, { method, headers: csrf, ...(json === undefined ? {} : { json }) });

const call = async (desk: Desk, procedure: string, input: unknown, cookie = '') =>
  sendRequest(`${desk.url}/trpc/${procedure}`, { json: { json: input }, headers: csrf, cookie });

const signIn = async (desk: Desk) => {
  const { cookies } = await call(desk, 'session.login', { email: 'user@example.com', ...STAFF });
  return { access: `access_token=${cookies.access_token}`, refresh: `refresh_token=${cookies.refresh_token}` };
};

describe('reading from the development routes', () => {
  it('/dev/config returns the ticket service URL, people to sign in as and the access-token lifetime', async () => {
    await using desk = await startDesk();
    const { status, headers, body } = await sendRequest(`${desk.url}/dev/config`);
    expect([status, headers.get('cache-control')]).toEqual([200, 'no-store']);
    expect(body).toEqual({
      ticketsUrl,
      accessLifetimeSeconds: 60,
      dialect: 'guide',
      hasApiDocs: false,
      people: expect.arrayContaining([
        expect.objectContaining({ name: 'John Doe', email: 'user@example.com', as: 'staff', secondFactor: false }),
        expect.objectContaining({ name: 'Rafael Domingo', as: 'staff', secondFactor: true }),
        expect.objectContaining({ name: 'Benjamin Strand', as: 'employee', secondFactor: true }),
      ]),
    });
  });

  it('/dev/counts counts requests to the BFF and the Auth Service, a batch as one and its own as none, and resets', async () => {
    await using desk = await startDesk();
    const { access, refresh } = await signIn(desk);
    await change(desk, 'POST', 'counts/reset');
    const input = encodeURIComponent(JSON.stringify({ 0: { json: { id: 1 } }, 1: { json: { id: 5 } } }));
    await sendRequest(`${desk.url}/trpc/employees.byId,employees.byId?batch=1&input=${input}`, { cookie: access });
    await call(desk, 'session.refresh', undefined, refresh);
    const counted = await sendRequest(`${desk.url}/dev/counts`);
    expect(counted.body).toEqual({
      bff: 2,
      upstream: 3,
      byEndpoint: { employee: 2, refresh: 1 },
      refreshes: 1,
    });
    const none = { bff: 0, upstream: 0, byEndpoint: {}, refreshes: 0 };
    expect((await change(desk, 'POST', 'counts/reset')).body).toEqual(none);
    expect((await sendRequest(`${desk.url}/dev/counts`)).body).toEqual(none);
  });

  it('/dev/last-code returns the last second-factor code of a person, or null', async () => {
    await using desk = await startDesk();
    const email = 'rafael.domingo@example.com';
    const codeOf = async (query: string) => (await sendRequest(`${desk.url}/dev/last-code${query}`)).body;
    expect(await codeOf(`?email=${email}`)).toEqual({ code: null });
    await call(desk, 'session.login', { email, ...STAFF });
    expect(await codeOf(`?email=${email}`)).toEqual({ code: expect.stringMatching(/^\d{6}$/) });
    expect(await codeOf('')).toEqual({ code: null });
    expect(await codeOf(`?email=${email}&email=${email}`)).toEqual({ code: null });
  });

  it('the development routes are not rate-limited', async () => {
    await using desk = await startDesk();
    const statuses = [];
    for (let turn = 0; turn < 6; turn += 1) statuses.push((await sendRequest(`${desk.url}/dev/counts`)).status);
    expect(statuses).toEqual([200, 200, 200, 200, 200, 200]);
  });
});

describe('writing to the development routes', () => {
  it('/dev/fault sets, returns and clears a fault of the Auth Service', async () => {
    await using desk = await startDesk();
    const fault = async () => (await sendRequest(`${desk.url}/dev/fault`)).body;
    const upstream = async () => (await sendRequest(`${desk.authService.url}/api/v1/users/profile/`)).status;
    expect(await fault()).toBeNull();
    const wrong = { kind: 'status', status: 503 };
    expect(await change(desk, 'PUT', 'fault', wrong)).toMatchObject({ status: 200, body: wrong });
    expect([await fault(), await upstream()]).toEqual([wrong, 503]);
    // DELETE clears faults that were set elsewhere too. The page would otherwise report no fault while calls still fail.
    desk.authService.fault('staff-profile', { kind: 'status', status: 500 });
    expect(await change(desk, 'DELETE', 'fault')).toMatchObject({ status: 200, body: {} });
    expect([await fault(), await upstream()]).toEqual([null, 401]);
  });

  it.each([
    [{ kind: 'latency' }, 'ms is nothing; it should be a whole number of milliseconds.'],
    [[], 'The body should be a fault as JSON'],
    [undefined, 'The body should be a fault as JSON'],
  ])('PUT /dev/fault rejects %j and names the expected value', async (fault, error) => {
    await using desk = await startDesk();
    expect(await change(desk, 'PUT', 'fault', fault)).toMatchObject({
      status: 400,
      body: { error: expect.stringContaining(error) },
    });
    expect((await sendRequest(`${desk.url}/dev/fault`)).body).toBeNull();
  });

  it('/dev/expire empties the access cookie: the next call fails as expired and a refresh restores it', async () => {
    await using desk = await startDesk();
    const { access, refresh } = await signIn(desk);
    const me = (cookie: string) => sendRequest(`${desk.url}/trpc/session.me`, { cookie });
    expect((await me(`${access}; ${refresh}`)).status).toBe(200);
    const { setCookies, body } = await change(desk, 'POST', 'expire');
    expect([setCookies, body]).toEqual([['access_token=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax'], {}]);
    expect(await me(refresh)).toMatchObject({ status: 401, text: expect.stringContaining('token_expired') });
    expect(await call(desk, 'session.refresh', undefined, refresh)).toMatchObject({ status: 200 });
  });

  it.each([
    ['PUT', 'fault'],
    ['DELETE', 'fault'],
    ['POST', 'expire'],
    ['POST', 'counts/reset'],
  ])('%s /dev/%s is rejected without x-csrf', async (method, path) => {
    await using desk = await startDesk();
    desk.authService.fault('*', { kind: 'hang' });
    const answer = await sendRequest(`${desk.url}/dev/${path}`, { method, headers: { 'x-csrf': '0' } });
    expect(answer).toMatchObject({
      status: 403,
      setCookies: [],
      body: { error: expect.stringContaining('x-csrf: 1') },
    });
    expect(desk.authService.faultOf('*')).toEqual({ kind: 'hang' });
  });
});

describe('a request of another site to the development routes', () => {
  it.each([
    ['by Sec-Fetch-Site: cross-site', { 'sec-fetch-site': 'cross-site' }],
    ['by Sec-Fetch-Site: same-site', { 'sec-fetch-site': 'same-site' }],
    ['by its Origin', { origin: 'http://evil.example' }],
    ['by a foreign host name (DNS rebinding)', { host: 'evil.example' }],
    ['by a host name that starts like a local address', { host: '127.0.0.1.evil.example' }],
  ])('a request recognised as foreign %s is rejected and changes nothing', async (_, headers) => {
    await using desk = await startDesk();
    for (const target of ['/dev/config', '/dev/counts', '/dev/last-code?email=a', '/dev/fault']) {
      const answer = await askRaw(desk.url, { target, headers });
      expect([answer.status, answer.body]).toEqual([403, expect.stringContaining('Refused')]);
    }
    const target = '/dev/fault';
    const body = '{"kind":"hang"}';
    expect(await askRaw(desk.url, { method: 'PUT', target, body, headers: { ...csrf, ...headers } })).toMatchObject({
      status: 403,
    });
    expect(desk.authService.faultOf('*')).toBeNull();
  });

  it.each(['localhost', 'localhost:4000', '127.0.0.1:4000', '[::1]:4000'])(
    'a same-origin request at %s is accepted',
    async (host) => {
      await using desk = await startDesk();
      const headers = { host, 'sec-fetch-site': 'same-origin', origin: `http://${host}` };
      expect(await askRaw(desk.url, { target: '/dev/counts', headers })).toMatchObject({ status: 200 });
    },
  );
});
