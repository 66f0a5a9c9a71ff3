import { describe, expect, it } from 'vitest';
import { askRaw, postHeaders, queryTarget, type RawAnswer, sendLines } from '../../../support/app/raw-request.ts';
import { startApp, type TestApp } from '../../../support/app/start-app.ts';

const safe = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
};

const answers: Array<[string, (app: TestApp) => Promise<RawAnswer>, number]> = [
  ['a result', ({ url }) => askRaw(url, { target: '/trpc/status.get' }), 200],
  ['a batch', ({ url }) => askRaw(url, { target: queryTarget(['status.get', 'session.me']) }), 207],
  [
    'a stream',
    ({ url }) => askRaw(url, { target: queryTarget(['status.get']), headers: { 'trpc-accept': 'application/jsonl' } }),
    200,
  ],
  ['health', ({ url }) => askRaw(url, { target: '/health/live' }), 200],
  ['an error of a call', ({ url }) => askRaw(url, { target: '/trpc/session.me' }), 401],
  ['an unknown path', ({ url }) => askRaw(url, { target: '/no/such' }), 404],
  ['a rejected request', ({ url }) => askRaw(url, { method: 'POST', target: '/trpc/session.logout' }), 415],
  [
    'a body that is too large',
    ({ url }) =>
      askRaw(url, { method: 'POST', target: '/trpc/session.login', headers: postHeaders, body: ' '.repeat(100_001) }),
    413,
  ],
  ['a path that is malformed', ({ url }) => askRaw(url, { target: '/%' }), 400],
  ['bytes that are not HTTP', ({ url }) => sendLines(url, ['NONSENSE', '', '']), 400],
  ['the operations port', async (app) => askRaw(await app.listenOps(), { target: '/metrics' }), 200],
];

describe('the security headers', () => {
  it.each(answers)('are present on %s', async (_name, ask, status) => {
    await using app = await startApp();
    const answer = await ask(app);
    expect(answer.status).toBe(status);
    expect(answer.headers).toMatchObject({ ...safe, 'strict-transport-security': 'max-age=31536000' });
    expect(answer.headers).not.toHaveProperty('x-powered-by');
    expect(answer.headers).not.toHaveProperty('server');
  });

  it.each(answers)('contain no HSTS if cookies are not Secure, on %s', async (_name, ask) => {
    await using app = await startApp({ env: { COOKIE_SECURE: 'false', NODE_ENV: 'development' } });
    const answer = await ask(app);
    expect(answer.headers).toMatchObject(safe);
    expect(answer.headers).not.toHaveProperty('strict-transport-security');
  });
});
