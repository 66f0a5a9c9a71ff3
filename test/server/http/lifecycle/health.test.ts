import { describe, expect, it } from 'vitest';
import { askRaw, errorOf } from '../../../support/app/raw-request.ts';
import { startApp } from '../../../support/app/start-app.ts';

describe('/health/live', () => {
  it('answers 200 without calling the Auth Service', async () => {
    await using app = await startApp();
    const answer = await askRaw(app.url, { target: '/health/live' });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({ status: 'ok' });
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(app.authService.count()).toBe(0);
  });
});

describe('/health/ready', () => {
  it('reports that the service is ready, and an Auth Service as unknown that was not asked', async () => {
    await using app = await startApp();
    const answer = await askRaw(app.url, { target: '/health/ready' });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({
      status: 'ok',
      authService: 'unknown',
      since: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(app.authService.count()).toBe(0);
  });

  it('stays ready while the Auth Service is down, and reports it', async () => {
    await using app = await startApp();
    app.authService.fault('*', { kind: 'status', status: 503 });
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const headers = { cookie: `access_token=${access}` };
    for (let id = 1; id <= 20; id += 1) {
      const input = encodeURIComponent(JSON.stringify({ json: { id } }));
      await askRaw(app.url, { target: `/trpc/users.byId?input=${input}`, headers });
    }
    const asked = app.authService.count();
    const answer = await askRaw(app.url, { target: '/health/ready' });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toMatchObject({
      status: 'ok',
      authService: expect.stringMatching(/^(degraded|down)$/),
    });
    expect(app.authService.count()).toBe(asked);
  });
});

it('/health/ready reports an unavailable Redis, and stays ready, because other calls still work', async () => {
  await using app = await startApp({ env: { REDIS_URL: 'redis://127.0.0.1:1' } });
  const answer = await askRaw(app.url, { target: '/health/ready' });
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body)).toMatchObject({ status: 'ok', redis: 'away' });
  const metrics = await askRaw(await app.listenOps(), { target: '/metrics' });
  expect(metrics.body).toContain('\nauth_bff_redis_up 0\n');
});

describe.each(['/health/live', '/health/ready'])('%s', (target) => {
  it("ignores the caller's credentials, and sets no cookie", async () => {
    await using app = await startApp();
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    for (const cookie of [`access_token=${access}`, 'access_token=a; access_token=b']) {
      const answer = await askRaw(app.url, { target, headers: { cookie, 'sec-fetch-site': 'cross-site' } });
      expect(answer).toMatchObject({ status: 200, setCookies: [] });
      expect(answer.headers['x-session-expires-in']).toBeUndefined();
    }
  });

  it('answers HEAD without a body, and no other method', async () => {
    await using app = await startApp();
    expect(await askRaw(app.url, { method: 'HEAD', target })).toMatchObject({ status: 200, body: '' });
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      expect(errorOf(await askRaw(app.url, { method, target })).reason).toBe('no_such_procedure');
    }
  });

  it('is served at its exact path only', async () => {
    await using app = await startApp();
    for (const other of [`${target}/`, `${target}z`, target.toUpperCase(), '/health', '/health/', `/${target}`]) {
      expect(errorOf(await askRaw(app.url, { target: other })).reason).toBe('no_such_procedure');
    }
  });
});
