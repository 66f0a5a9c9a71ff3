import { createRemoteJWKSet, jwtVerify } from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createAuthClient } from '../../../client/src/index.ts';
import { askRaw, type RawRequest } from '../../support/app/raw-request.ts';
import { serve } from '../../support/app/serve.ts';
import { createClock, startApp, type TestApp } from '../../support/app/start-app.ts';
import { john } from '../../support/app/people.ts';
import { proxies } from './documented-proxies.ts';

const facts = ['user', 'email', 'systems', 'roles', 'assertion'];
/** A caller's own headers, in each spelling that CGI and WSGI read as one. */
const forged = Object.fromEntries(
  [...facts, 'reason'].flatMap((fact) =>
    [`X-Auth-${fact}`, `X_Auth_${fact}`, `X-Auth_${fact}`, `X_Auth-${fact}`].map((name) => [name, 'staff:1']),
  ),
);

/** Runs before `serve`: whatever the proxy sends, as a backend behind CGI or WSGI reads it. */
const startBackend = async (bff: () => string, now: () => number) => {
  let jwks: ReturnType<typeof createRemoteJWKSet> | null = null;
  return serve((request, response) => {
    const answer = async () => {
      // All that the backend knows is the address of the public keys.
      jwks ??= createRemoteJWKSet(new URL('/bff/jwks.json', bff()));
      const { payload } = await jwtVerify(String(request.headers['x-auth-assertion']), jwks, {
        issuer: 'auth-bff',
        audience: 'tickets',
        currentDate: new Date(now()),
      });
      const seen = Object.entries(request.headers).map(([name, value]) => [name.replaceAll('-', '_'), value] as const);
      const told = seen.filter(([name, value]) => name.startsWith('x_auth_') && value !== '');
      return {
        caller: payload.sub,
        names: told.map(([name]) => name).toSorted(),
        forged: told.filter(([, value]) => value === 'staff:1'),
      };
    };
    answer().then(
      (body) => response.setHeader('content-type', 'application/json').end(JSON.stringify(body)),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
};

const named = ['x_auth_assertion', 'x_auth_email', 'x_auth_roles', 'x_auth_systems', 'x_auth_user'];

for (const { name, isInstalled, start } of proxies) {
  describe.skipIf(!isInstalled)(`a backend without any key behind ${name}`, () => {
    const clock = createClock();
    let app: TestApp;
    let backend: Awaited<ReturnType<typeof startBackend>>;
    let proxy: Awaited<ReturnType<typeof start>>;
    let isOverloaded = false;
    beforeAll(async () => {
      app = await startApp({ now: clock.now, env: { TRUST_PROXY: '1' }, isOverloaded: () => isOverloaded });
      backend = await startBackend(() => app.url, clock.now);
      proxy = await start({ bff: app.url, backend: backend.url });
    });
    afterAll(async () => {
      for (const part of [proxy, backend, app]) await part[Symbol.asyncDispose]();
    });
    beforeEach(() => {
      isOverloaded = false;
    });

    const ask = (request: Partial<RawRequest> = {}) => askRaw(proxy.url, { target: '/tickets/1', ...request });
    const bearerOf = async (id = 123, overrides: Record<string, unknown> = {}) => ({
      authorization: `Bearer ${(await app.authService.issue({ type: 'staff', id }, overrides)).access}`,
    });

    it('admits a member of the system, with any method and body', async () => {
      for (const request of [{}, { method: 'POST', body: 'x'.repeat(50_000) }, { method: 'DELETE' }]) {
        const { status, body } = await ask({ ...request, headers: await bearerOf() });
        expect([status, JSON.parse(body)]).toEqual([200, { caller: 'staff:123', names: named, forged: [] }]);
      }
    });

    it('gets no header that the caller made up, in any spelling', async () => {
      const { body } = await ask({ headers: { ...forged, ...(await bearerOf()) } });
      expect(JSON.parse(body)).toEqual({ caller: 'staff:123', names: named, forged: [] });
    });

    it('gets no request of a caller without a session, of another system, or after the sign-out', async () => {
      expect((await ask({ headers: forged })).status).toBe(401);
      const stranger = await ask({ headers: await bearerOf(11) });
      expect(stranger.status).toBe(403);
      const browser = app.browser();
      const tokens = await app.authService.issue(john);
      browser.holdTokens(tokens);
      const cookie = `access_token=${tokens.access}; refresh_token=${tokens.refresh}`;
      expect((await ask({ headers: { cookie } })).status).toBe(200);
      await browser.trpc.session.logout.mutate();
      expect((await ask({ headers: { cookie } })).status).toBe(401);
    });

    it('gets requests of people with the role only, if the proxy requires one', async () => {
      const requirement = 'system=TTS&role=Manager';
      await using strict = await start({ bff: app.url, backend: backend.url, requirement });
      const statusOf = async (id: number) =>
        (await askRaw(strict.url, { target: '/tickets/1', headers: await bearerOf(id) })).status;
      // Ethan is a manager, John a technician.
      expect([await statusOf(2), await statusOf(123)]).toEqual([200, 403]);
    });

    it('answers a page whose token has expired, because the client refreshes and asks again', async () => {
      const browser = app.browser();
      browser.holdTokens(await app.authService.issue(john));
      const statuses: number[] = [];
      const client = createAuthClient({
        url: `${proxy.url}/trpc`,
        clock: { now: clock.now, setTimeout: () => 0, clearTimeout: () => {} },
        fetch: async (input, init) => {
          const answer = await browser.fetch(input, init);
          statuses.push(answer.status);
          return answer;
        },
      });
      clock.advance(901_000);
      const answer = await client.session.fetch(`${proxy.url}/tickets/1`);
      expect(await answer.json()).toMatchObject({ caller: 'staff:123' });
      expect(statuses).toEqual([401, 200, 200]);
      client.session.dispose();
    });

    it('gets no request while the BFF is overloaded, and the caller gets 503 with Retry-After', async () => {
      isOverloaded = true;
      const { status, headers } = await ask({ headers: await bearerOf() });
      expect([status, headers['retry-after']]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    });

    it.each([
      '/bff/verify',
      '/bff/verify?system=TTS',
      '/bff/%76erify',
      '//bff/verify',
      '/bff/./verify',
      '/x/../bff/verify',
      '/bff/verify/',
      '/_verify',
      '/_refused/503',
    ])('leaves %s to the proxy itself', async (target) => {
      const { status, headers } = await ask({ target, headers: await bearerOf() });
      expect(status).toBeGreaterThanOrEqual(301);
      expect(Object.keys(headers).filter((header) => header.startsWith('x-auth-'))).toEqual([]);
    });

    it('still reaches the BFF by the proxy for everything else', async () => {
      expect((await ask({ target: '/trpc/status.get' })).status).toBe(200);
      expect((await ask({ target: '/bff/jwks.json' })).status).toBe(200);
    });
  });

  describe.skipIf(!isInstalled)(`${name} in front of a backend`, () => {
    it('passes no Set-Cookie of the verification on', async () => {
      await using bff = await serve((request, response) => {
        const status = request.headers.authorization === undefined ? 401 : 200;
        response.writeHead(status, { 'set-cookie': 'planted=1', 'x-auth-user': 'staff:123' }).end();
      });
      await using backend = await serve((_, response) => response.end('ok'));
      await using proxy = await start({ bff: bff.url, backend: backend.url });
      for (const [headers, status] of [
        [{}, 401],
        [{ authorization: 'Bearer x' }, 200],
      ] as const) {
        const answer = await askRaw(proxy.url, { target: '/tickets/', headers });
        expect([answer.status, answer.setCookies]).toEqual([status, []]);
      }
    });
  });
}
