import { expect, it } from 'vitest';
import { askRaw, errorOf, postHeaders, resultOf, written } from '../../../support/app/raw-request.ts';
import { startApp } from '../../../support/app/start-app.ts';
import { johnsCredentials } from '../../../support/app/people.ts';

const login = written(johnsCredentials);

it('refuses calls while there is more to do than can be done, says when to come again, and does nothing', async () => {
  let isOverloaded = true;
  await using app = await startApp({
    env: { CORS_ORIGINS: 'https://tts.example.org', RATE_LIMIT_PER_MINUTE: '0' },
    isOverloaded: () => isOverloaded,
  });
  const ask = () =>
    askRaw(app.url, {
      method: 'POST',
      target: '/trpc/session.login',
      headers: { ...postHeaders, origin: 'https://tts.example.org' },
      body: login,
    });
  for (const answer of [await ask(), await askRaw(app.url, { target: '/no/such/path' })]) {
    expect(errorOf(answer)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', reason: 'overloaded', retryAfterSeconds: 2 });
    expect(answer.status).toBe(503);
    expect(answer.headers['retry-after']).toBe('2');
  }
  expect((await ask()).headers['access-control-allow-origin']).toBe('https://tts.example.org');
  expect(app.authService.count()).toBe(0);
  isOverloaded = false;
  expect(resultOf(await ask())).toMatchObject({ status: 'signed_in' });
});

it.each(['/health/live', '/health/ready'])('never refuses %s', async (target) => {
  await using app = await startApp({ isOverloaded: () => true });
  expect((await askRaw(app.url, { target })).status).toBe(200);
});
