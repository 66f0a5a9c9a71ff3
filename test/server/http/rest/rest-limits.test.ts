import { expect, it } from 'vitest';
import { askRest } from '../../../support/app/ask-rest.ts';
import { startSignedIn } from '../../../support/app/start-signed-in.ts';
import { readExposition } from '../../../support/output/exposition.ts';

const reasonOf = ({ json }: { json: unknown }) => (json as { reason?: string }).reason;
const origin = 'https://tts.example.org';

it('a POST with a session cookie needs x-csrf, and one with Bearer does not', async () => {
  await using test = await startSignedIn();
  const { app, tokens } = test;
  const cookie = `access_token=${tokens.access}`;
  const authorization = `Bearer ${tokens.access}`;
  const post = (headers: Record<string, string>) =>
    askRest(app.url, { method: 'POST', path: '/assignments/TTS/Technician/next', headers });
  const refused = await post({ cookie });
  expect([refused.status, reasonOf(refused)]).toEqual([403, 'csrf']);
  expect((await post({ cookie, 'x-csrf': '1' })).status).toBe(200);
  expect((await post({ authorization })).status).toBe(200);
  // A cookie takes precedence over Bearer, so a header that a page adds does not help it.
  expect(reasonOf(await post({ cookie, authorization }))).toBe('csrf');
  // An empty cookie is no session.
  expect((await post({ cookie: 'access_token=', authorization })).status).toBe(200);
});

it('a request from another site is refused if its session is a cookie, and served if it is Bearer', async () => {
  await using test = await startSignedIn();
  const { app, tokens } = test;
  const ask = (headers: Record<string, string>, method = 'GET') =>
    askRest(app.url, { method, path: '/assignments/TTS/Technician/next', headers });
  const cookie = `access_token=${tokens.access}`;
  for (const site of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin }]) {
    const headers = Object.fromEntries(Object.entries(site));
    expect(reasonOf(await ask({ cookie, 'x-csrf': '1', ...headers }))).toBe('csrf');
    expect(reasonOf(await ask({ cookie, 'x-csrf': '1', ...headers }, 'POST'))).toBe('csrf');
    expect((await ask({ authorization: `Bearer ${tokens.access}`, ...headers })).status).toBe(200);
  }
});

it('pages of the allowed origins may call it with credentials and read its headers, errors included', async () => {
  await using test = await startSignedIn({ env: { CORS_ORIGINS: origin } });
  const { app, tokens } = test;
  const preflight = await askRest(app.url, {
    method: 'OPTIONS',
    path: '/users/query',
    headers: {
      origin,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-csrf',
    },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers['access-control-allow-origin']).toBe(origin);
  const headers = { origin, cookie: `access_token=${tokens.access}` };
  for (const path of ['/users/5', '/users/99999', '/nothing']) {
    const answer = await askRest(app.url, { path, headers });
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-credentials': 'true',
    });
    expect(answer.headers['access-control-expose-headers']).toContain('x-session-user');
  }
  const other = await askRest(app.url, { path: '/status', headers: { origin: 'https://evil.example' } });
  expect(other.headers).not.toHaveProperty('access-control-allow-origin');
});

it('each request counts as one call, and users/query once per 50 ids', async () => {
  await using test = await startSignedIn({ env: { RATE_LIMIT_PER_MINUTE: '12' } });
  const { app, tokens } = test;
  const headers = { authorization: `Bearer ${tokens.access}` };
  const query = (count: number) =>
    askRest(app.url, {
      method: 'POST',
      path: '/users/query',
      headers,
      json: { ids: Array.from({ length: count }, (_, index) => index + 1) },
    });
  // 1 + 10 calls.
  expect((await askRest(app.url, { path: '/users/5', headers })).status).toBe(200);
  expect((await query(500)).status).toBe(200);
  // Unknown paths count, too.
  expect((await askRest(app.url, { path: '/nothing', headers })).status).toBe(404);
  const limited = await askRest(app.url, { path: '/users/5', headers });
  expect([limited.status, reasonOf(limited)]).toEqual([429, 'rate_limited']);
  expect(limited.headers['content-type']).toBe('application/problem+json');
  expect(Number(limited.headers['retry-after'])).toBeGreaterThan(0);
});

it('metrics, the request log and the audit log name the procedure, and no log line has a part of the path', async () => {
  await using test = await startSignedIn();
  const { app, tokens } = test;
  const headers = { authorization: `Bearer ${tokens.access}` };
  await askRest(app.url, { path: '/users/by-company/MA0001', headers });
  await askRest(app.url, { path: '/systems/BMS/roles/User/users', headers });
  await askRest(app.url, { path: '/nothing/MA0001', headers });
  const lines = () => app.logLines.filter(({ msg }) => msg === 'request');
  await expect.poll(lines).toHaveLength(3);
  expect(lines()).toMatchObject([
    {
      path: '/bff/api/users/by-company/:companyId',
      procedures: ['users.byCompanyId'],
      status: 200,
      person: 'staff 123',
    },
    {
      path: '/bff/api/systems/:system/roles/:role/users',
      procedures: ['users.byRole'],
      reasons: ['insufficient_permissions'],
    },
    { path: '/bff/api/*', status: 404, reasons: ['no_such_procedure'] },
  ]);
  expect(JSON.stringify(app.logLines)).not.toContain('MA0001');
  expect(app.logLines).toContainEqual(
    expect.objectContaining({ audit: 'permission_denied', procedure: 'users.byRole', person: 'staff:123' }),
  );
  const metrics = await (await fetch(`${await app.listenOps()}/metrics`)).text();
  expect(readExposition(metrics).length).toBeGreaterThan(5);
  expect(metrics).toMatch(/procedure="users\.byCompanyId",code="OK"/);
  expect(metrics).toMatch(/procedure="users\.byRole",code="FORBIDDEN"/);
});
