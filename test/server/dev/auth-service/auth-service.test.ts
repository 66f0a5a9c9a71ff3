import { jwtVerify } from 'jose';
import { describe, expect, it } from 'vitest';
import { startAuthService } from '../../../../server/dev/auth-service/auth-service.ts';
import { freePort } from '../../../support/processes/run-process.ts';
import { apiKey, sendRequest, claimsOf, signingKey, STAFF, start } from './send-request.ts';

const NOW = Date.UTC(2030, 0, 1);
const seconds = NOW / 1000;
const now = () => NOW;
const jti = expect.stringMatching(/^[0-9a-f]{32}$/);
const john = { type: 'staff', id: 123 } as const;
const alice = { type: 'employee', id: 1 } as const;

describe('issued tokens', () => {
  it.each([
    [
      'guide',
      john,
      {
        user_id: 123,
        user_type: 'staff',
        jti,
        email: 'user@example.com',
        roles: ['Technician', 'User'],
        systems: ['TTS', 'AMS'],
      },
    ],
    ['guide', alice, { employee_id: 1, user_type: 'employee', email: 'alice.navarro@partners.example.com' }],
    [
      'deployed',
      john,
      {
        jti,
        user_id: 123,
        email: 'user@example.com',
        username: 'john.doe',
        full_name: 'John Doe',
        user_type: 'staff',
        roles: [
          { system: 'tts', role: 'Technician' },
          { system: 'ams', role: 'User' },
        ],
      },
    ],
    [
      'deployed',
      alice,
      {
        jti,
        user_id: 1,
        employee_id: 1,
        email: 'alice.navarro@partners.example.com',
        username: 'alice.navarro',
        full_name: 'Alice Navarro',
        user_type: 'employee',
        roles: [{ system: 'hdts', role: 'Employee' }],
      },
    ],
  ] as const)('in the %s dialect have the documented claims (%o)', async (dialect, subject, claims) => {
    await using service = await start({ dialect, now });
    const { access, refresh } = await service.issue(subject);
    const exp = seconds + (dialect === 'guide' ? 900 : 300);
    expect(claimsOf(access)).toEqual({ token_type: 'access', iat: seconds, exp, ...claims });
    expect(claimsOf(refresh)).toMatchObject({ token_type: 'refresh', jti, exp: seconds + 604_800 });
  });

  it.each([john, alice])('issued tokens have only the required claims with `claims: least` (%o)', async (subject) => {
    await using service = await start({ claims: 'least', now });
    const { access, refresh } = await service.issue(subject);
    expect(claimsOf(access)).toEqual({
      user_id: subject.id,
      user_type: subject.type,
      iat: seconds,
      exp: seconds + 900,
    });
    const refreshed = await sendRequest(`${service.url}/api/v1/token/refresh/cookie/`, {
      method: 'POST',
      cookie: `refresh_token=${refresh}`,
    });
    expect(Object.keys(claimsOf(refreshed.cookies.access_token))).toEqual(['user_id', 'user_type', 'exp', 'iat']);
  });

  it('issued tokens are signed with HS256 and the shared key, and have the configured lifetimes', async () => {
    await using service = await start({ now, accessLifetimeSeconds: 5, refreshLifetimeSeconds: 60 });
    const { access, refresh } = await service.issue(john);
    const verified = await jwtVerify(access, new TextEncoder().encode(signingKey), { currentDate: new Date(NOW) });
    expect(verified.protectedHeader).toEqual({ alg: 'HS256', typ: 'JWT' });
    expect(verified.payload.exp).toBe(seconds + 5);
    expect(claimsOf(refresh).exp).toBe(seconds + 60);
  });

  it('overrides change only the access token, and undefined deletes a claim', async () => {
    await using service = await start({ now });
    const { access, refresh } = await service.issue(john, { user_id: '123', user_type: undefined, odd: [1] });
    expect(claimsOf(access)).toMatchObject({ user_id: '123', odd: [1] });
    expect(claimsOf(access)).not.toHaveProperty('user_type');
    expect(claimsOf(refresh)).toMatchObject({ user_id: 123, user_type: 'staff' });
    expect(claimsOf(refresh)).not.toHaveProperty('odd');
  });

  it('tokens are issued for unknown ids too', async () => {
    await using service = await start();
    const { access } = await service.issue({ type: 'staff', id: 9999 });
    expect(claimsOf(access)).toMatchObject({ user_id: 9999, roles: [], systems: [] });
  });
});

describe('recorded requests', () => {
  it('recorded requests have endpoint, method, path with query, headers, body and time, in order of arrival', async () => {
    await using service = await start({ now });
    await sendRequest(`${service.url}/api/v1/tts/round-robin/?system=TTS&role=Technician`, {
      headers: { 'x-seen': 'yes' },
    });
    await sendRequest(`${service.url}/api/v1/users/login/api/`, { json: { email: 'a@b' } });
    expect(service.calls).toMatchObject([
      {
        endpoint: 'round-robin',
        method: 'GET',
        path: '/api/v1/tts/round-robin/?system=TTS&role=Technician',
        headers: { 'x-seen': 'yes' },
        body: '',
        at: NOW,
      },
      { endpoint: 'staff-login', method: 'POST', path: '/api/v1/users/login/api/', body: '{"email":"a@b"}', at: NOW },
    ]);
  });

  it('requests are counted by endpoint and in total, until the counts are reset', async () => {
    await using service = await start();
    const { calls } = service;
    for (const path of ['/api/v1/tts/user-info/1/', '/api/v1/tts/user-info/2/', '/api/me/', '/nowhere/']) {
      // oxlint-disable-next-line no-await-in-loop -- the test needs this order
      await sendRequest(`${service.url}${path}`);
    }
    expect([service.count('user'), service.count('me'), service.count('users')]).toEqual([2, 1, 0]);
    expect([service.count('unknown'), service.count()]).toEqual([1, 4]);
    service.resetCalls();
    expect([service.count(), calls.length]).toEqual([0, 0]);
  });

  it.each([
    ['GET', '/api/v1/tts/user-info/7/', 'user'],
    ['POST', '/api/v1/tts/users-info/', 'users'],
    ['GET', '/api/v1/tts/round-robin/', 'round-robin'],
    ['GET', '/api/v1/hdts/employees/internal/7/', 'employee'],
    ['GET', '/api/v1/users/token/validate/', 'validate'],
    ['GET, PUT, PATCH', '/api/v1/users/profile/', 'staff-profile'],
    ['GET, PUT, PATCH', '/api/v1/hdts/employees/api/profile/', 'employee-profile'],
    ['POST', '/api/v1/users/2fa/enable/', 'staff-second-factor-enable'],
    ['POST', '/api/v1/users/password/change/', 'staff-password-change'],
    ['POST', '/api/v1/users/change-password/', 'staff-password-change-older'],
    ['POST', '/api/v1/users/password/forgot/', 'staff-password-forgot'],
    ['GET, POST', '/api/v1/users/password/reset/', 'staff-password-reset-page'],
    ['POST', '/api/v1/hdts/employees/api/password/reset/', 'employee-password-reset'],
    ['GET', '/media/profile_pics/5.png', 'media'],
    ['GET', '/api/v1/users/profile/by-company/MA0001/', 'by-company'],
    ['POST', '/api/v1/users/login/api/', 'staff-login'],
    ['POST', '/api/v1/users/login/verify-otp/', 'staff-otp'],
    ['POST', '/api/v1/hdts/employees/api/login/', 'employee-login'],
    ['POST', '/api/v1/hdts/employees/api/2fa/verify-otp/', 'employee-otp'],
    ['POST', '/api/v1/token/refresh/cookie/', 'refresh'],
    ['POST', '/api/v1/users/token/refresh/', 'staff-refresh'],
    ['POST', '/api/v1/hdts/employees/api/token/refresh/', 'employee-refresh'],
    ['POST', '/api/v1/users/logout/', 'staff-logout'],
    ['POST', '/api/v1/hdts/employees/api/logout/', 'employee-logout'],
    ['GET', '/api/v1/tts/user-info/seven/', 'unknown'],
    ['GET', '/api/v1/tts/user-info/7', 'unknown'],
  ])('the service recognises %s %s as %s and answers 405 to other methods', async (method, path, endpoint) => {
    await using service = await start();
    const wrong = await sendRequest(`${service.url}${path}`, { method: method.startsWith('GET') ? 'DELETE' : 'GET' });
    expect(service.calls[0]?.endpoint).toBe(endpoint);
    expect(wrong.status).toBe(endpoint === 'unknown' ? 404 : 405);
    expect(wrong.headers.get('allow')).toBe(endpoint === 'unknown' ? null : method);
  });
});

describe('the guide dialect', () => {
  it.each([
    ['GET', '/api/v1/system-roles/systems/tts/users/', 'system-users'],
    ['GET', '/api/v1/users/list/', 'users-list'],
    ['GET', '/api/v1/hdts/user-management/users/api/', 'hdts-users'],
    ['GET', '/api/v1/users/internal/7/', 'staff-internal'],
    ['GET', '/api/me/', 'me'],
    ['POST', '/api/v1/users/welcome/', 'choose-system'],
  ])('the guide dialect answers 404 to %s %s and records it as %s', async (method, path, endpoint) => {
    await using service = await start();
    const { access: token } = await service.issue(john);
    const answer = await sendRequest(`${service.url}${path}`, { method, token });
    expect([answer.status, answer.body]).toEqual([404, { detail: 'Not found.' }]);
    expect(service.calls[0]?.endpoint).toBe(endpoint);
  });
});

describe('the service', () => {
  it('the service starts by default in the guide dialect on a free port of 127.0.0.1 without control API', async () => {
    await using service = await startAuthService({ signingKey, apiKey });
    expect(service.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect([service.dialect, service.controlUrl]).toEqual(['guide', null]);
  });

  it('close drops hanging requests at once and stops accepting new ones', async () => {
    const service = await start();
    service.fault('*', { kind: 'hang' });
    const hanging = sendRequest(`${service.url}/api/me/`).catch(String);
    await expect.poll(() => service.count()).toBe(1);
    await service.close();
    expect(await hanging).toBe('TypeError: fetch failed');
    await expect(sendRequest(service.url)).rejects.toThrow('fetch failed');
  });

  it('a failed start with a control port in use leaves no open port', async () => {
    await using taken = await start({ controlPort: 0 });
    const controlPort = Number(new URL(taken.controlUrl ?? '').port);
    const port = await freePort();
    await expect(start({ port, controlPort })).rejects.toThrow('EADDRINUSE');
    await using again = await start({ port });
    expect(again.url).toBe(`http://127.0.0.1:${port}`);
  });

  it('two instances share no state', async () => {
    await using one = await start();
    await using other = await start();
    const login = { json: { email: 'rafael.domingo@example.com', ...STAFF } };
    await sendRequest(`${one.url}/api/v1/users/login/api/`, login);
    expect(one.lastCode('Rafael.Domingo@example.com')).toMatch(/^\d{6}$/);
    expect(other.lastCode('rafael.domingo@example.com')).toBeNull();
    expect(other.count()).toBe(0);
  });

  it.each(['guide', 'deployed'] as const)('the %s dialect rejects a body that is no JSON object', async (dialect) => {
    await using service = await start({ dialect });
    const url = `${service.url}/api/v1/users/login/api/`;
    const headers = { 'content-type': 'application/json' };
    const form = await fetch(url, { method: 'POST', body: new URLSearchParams({ email: 'a' }) });
    const broken = await fetch(url, { method: 'POST', body: '{"email":', headers });
    const list = await fetch(url, { method: 'POST', body: '[]', headers });
    expect([form.status, broken.status, list.status]).toEqual([415, 400, 400]);
    expect(await broken.json()).toMatchObject({ detail: expect.stringContaining('JSON parse error') });
  });
});
