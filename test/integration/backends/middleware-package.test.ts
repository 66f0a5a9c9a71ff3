import { bffRoles, createAuthenticator } from '@auth-bff/middleware';
import { createRequestAuthenticator } from '@auth-bff/middleware/fetch';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { john } from '../../support/app/people.ts';
import { askRaw } from '../../support/app/raw-request.ts';
import { createClock, signingKey, startApp, type TestApp } from '../../support/app/start-app.ts';

describe('a backend with @auth-bff/middleware and a running BFF', () => {
  const clock = createClock();
  let app: TestApp;
  beforeAll(async () => {
    app = await startApp({ now: clock.now });
  });
  afterAll(() => app[Symbol.asyncDispose]());
  beforeEach(() => app.authService.clearFaults());

  const withToken = (token: string) => ({ url: '/tickets', headers: { cookie: `access_token=${token}` } });
  const assertionFor = async (audience: string): Promise<string> => {
    const headers = { authorization: `Bearer ${(await app.authService.issue(john)).access}` };
    const answer = await askRaw(app.url, { target: `/bff/verify?audience=${audience}`, headers });
    return String(answer.headers['x-auth-assertion']);
  };

  it('knows the caller by the public keys alone, and refuses the assertion of another backend', async () => {
    const jwks = new URL('/bff/jwks.json', app.url);
    const backend = createRequestAuthenticator({ jwks, audience: 'tickets', now: clock.now });
    const ask = async (audience: string) =>
      new Request('https://tickets.example.org/', { headers: { 'x-auth-assertion': await assertionFor(audience) } });
    expect(await backend(await ask('tickets'))).toMatchObject({ state: 'admitted', principal: john });
    expect(await backend.requireRole('TTS', 'Technician')(await ask('tickets'))).toMatchObject({ state: 'admitted' });
    expect(await backend.requireRole('TTS', 'Manager')(await ask('tickets'))).toMatchObject({ status: 403 });
    expect(await backend(await ask('assets'))).toMatchObject({ status: 401, reason: 'token_invalid' });
  });

  // The guide's token names the roles without their systems.
  it('asks the BFF for the roles that the token does not tell, and knows the end of the session by it', async () => {
    const resolveRoles = bffRoles({ url: app.url, cacheSeconds: 0 });
    const backend = createAuthenticator({ signingKeys: [signingKey], resolveRoles, now: clock.now });
    const tokens = await app.authService.issue(john);
    const isTechnician = backend.requireRole('TTS', 'Technician');
    expect(await isTechnician(withToken(tokens.access))).toMatchObject({ state: 'admitted', principal: john });
    expect(await backend.requireRole('AMS', 'Technician')(withToken(tokens.access))).toMatchObject({ status: 403 });
    const browser = app.browser();
    browser.holdTokens(tokens);
    await browser.trpc.session.logout.mutate();
    expect(await isTechnician(withToken(tokens.access))).toMatchObject({ status: 401, reason: 'session_ended' });
  });

  it('answers 503 if the BFF that knows the roles is away', async () => {
    const resolveRoles = bffRoles({ url: 'http://127.0.0.1:1' });
    const backend = createAuthenticator({ signingKeys: [signingKey], resolveRoles, now: clock.now });
    const { access } = await app.authService.issue(john);
    const refused = await backend.requireRole('TTS', 'Technician')(withToken(access));
    expect(refused).toMatchObject({ status: 503, reason: 'roles_unavailable' });
  });
});
