import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askRest, type RestRequest } from '../../../support/app/ask-rest.ts';
import { startApp, type TestApp } from '../../../support/app/start-app.ts';

/** The manager of TTS. */
const manager = { type: 'staff', id: 2 } as const;

describe('turns over REST', () => {
  let app: TestApp;
  let headers: Record<string, string>;
  beforeAll(async () => {
    app = await startApp();
    headers = { authorization: `Bearer ${(await app.authService.issue(manager)).access}` };
  });
  afterAll(() => app[Symbol.asyncDispose]());

  const ask = (request: RestRequest) => askRest(app.url, { ...request, headers });
  const leave = (json: unknown) => ask({ method: 'POST', path: '/assignments/TTS/availability', json });

  it.each([
    ['no offset', '2099-12-24T08:00:00'],
    ['no time', '2099-12-24'],
    ['a day that does not exist', '2099-02-30T08:00:00Z'],
    ['words', 'tomorrow'],
    ['nothing', ''],
  ])('refuse an end with %s, and say what is expected', async (_name, until) => {
    const { status, json } = await leave({ away: true, until });
    expect([status, json]).toMatchObject([
      400,
      {
        reason: 'invalid_input',
        issues: [{ path: 'until', message: 'Expected a time in ISO 8601, such as 2026-12-24T08:00:00Z' }],
      },
    ]);
  });

  it.each([
    ['a number as the end', { away: true, until: 4_102_444_800_000 }, { path: 'until', message: 'Expected a time' }],
    ['null as the end', { away: true, until: null }, { path: 'until', message: 'Expected a time' }],
    ['an end that is over', { away: true, until: '2001-01-01T00:00:00Z' }, { path: 'until' }],
    ['a text instead of true', { away: 'true' }, { path: 'away', message: 'Expected true or false' }],
    ['an unknown member', { away: true, role: 'Technician' }, { path: 'role' }],
    ['an end when it ends', { away: false, until: '2099-01-01T00:00:00Z' }, { path: 'until' }],
  ])('refuse %s', async (_name, body, issue) => {
    const { status, json } = await leave(body);
    expect([status, json]).toMatchObject([400, { reason: 'invalid_input', issues: [issue] }]);
  });

  it('answer 404 for a key without an assignment and for an unknown person', async () => {
    const reassigned = await ask({
      method: 'POST',
      path: '/assignments/TTS/Technician/reassign',
      json: { key: 'unknown' },
    });
    expect([reassigned.status, reassigned.json]).toMatchObject([404, { reason: 'assignment_not_found' }]);
    const away = await leave({ away: true, userId: 999_999 });
    expect([away.status, away.json]).toMatchObject([404, { reason: 'user_not_found' }]);
  });

  it('read a limit of the history as a number, and refuse others', async () => {
    const history = (query: string) => ask({ path: `/assignments/TTS/Technician/history${query}` });
    expect(await history('')).toMatchObject({ status: 200, json: { entries: [] } });
    expect(await history('?limit=500')).toMatchObject({ status: 200 });
    for (const limit of ['0', '501', '1e2', '', 'all']) {
      const { status, json } = await history(`?limit=${limit}`);
      expect([status, json]).toMatchObject([400, { reason: 'invalid_input', issues: [{ path: 'limit' }] }]);
    }
  });

  it('leave a role with the name of a path to GET, and refuse other methods with all that are allowed', async () => {
    const candidates = await ask({ path: '/assignments/TTS/availability' });
    expect([candidates.status, candidates.json]).toEqual([200, { users: [] }]);
    const refused = await ask({ method: 'PUT', path: '/assignments/TTS/availability' });
    expect([refused.status, refused.headers.allow?.split(', ').toSorted()]).toEqual([405, ['GET', 'HEAD', 'POST']]);
    const posted = await ask({ method: 'POST', path: '/assignments/TTS/Technician', json: {} });
    expect([posted.status, posted.headers.allow]).toEqual([405, 'GET, HEAD']);
    // An id is a number, so that this path has no GET.
    const got = await ask({ path: '/users/query' });
    expect([got.status, got.headers.allow]).toEqual([405, 'POST']);
  });

  it('need x-csrf with a cookie', async () => {
    const { authorization = '' } = headers;
    const cookie = `access_token=${authorization.slice('Bearer '.length)}`;
    for (const path of ['/assignments/TTS/availability', '/assignments/TTS/Technician/reset']) {
      const answer = await askRest(app.url, { method: 'POST', path, json: { away: true }, headers: { cookie } });
      expect([answer.status, answer.json]).toMatchObject([403, { reason: 'csrf' }]);
    }
  });
});
