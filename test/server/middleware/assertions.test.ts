import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createAuthenticator } from '../../../server/middleware/src/authenticator.ts';
import { createRequestAuthenticator } from '../../../server/middleware/src/fetch.ts';
import { startExpressService, startFastifyService } from '../../support/app/guarded-services.ts';
import { askRaw } from '../../support/app/raw-request.ts';
import {
  assertionClaims,
  craftAssertion,
  createAssertionKey,
  hostileAssertions,
  serveJwks,
} from '../../support/token/assertions.ts';
import { type Claims, now, signingKey, staffToken } from '../../support/token/tokens.ts';

const key = createAssertionKey('a-1');
const ec = createAssertionKey('e-1', 'ES256');
const rsa = createAssertionKey('r-1', 'RS256');
const assertion = (changes: Claims = {}) => craftAssertion(key, assertionClaims(changes));
const header = (token: string) => ({ 'x-auth-assertion': token });
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

const unavailable = {
  state: 'refused',
  status: 503,
  body: { error: 'Service unavailable' },
  reason: 'jwks_unavailable',
};
const invalid = { state: 'refused', status: 401, body: { error: 'Invalid token' }, reason: 'token_invalid' };
const admitted = { state: 'admitted', principal: { type: 'staff', id: 123 } };

describe('an assertion of the BFF', () => {
  let server: Awaited<ReturnType<typeof serveJwks>>;
  beforeAll(async () => {
    server = await serveJwks([key, ec, rsa]);
  });
  afterAll(() => server[Symbol.asyncDispose]());
  const start = (options = {}) =>
    createAuthenticator({ jwks: server.jwks, audience: 'tickets', now: () => now, ...options });
  const ask = (headers: Record<string, string>, options = {}) => start(options).authenticate({ url: '/', headers });

  it('identifies its person, with systems and roles', async () => {
    const result = await ask(header(assertion()));
    expect(result).toEqual({
      state: 'admitted',
      principal: {
        type: 'staff',
        id: 123,
        email: 'ana@example.org',
        fullName: 'Ana Example',
        systems: ['TTS'],
        roles: [{ system: 'TTS', role: 'Agent' }],
      },
      payload: assertionClaims(),
    });
    expect(result.state === 'admitted' && Object.isFrozen(result.principal) && Object.isFrozen(result.payload)).toBe(
      true,
    );
    expect(await ask(header(assertion({ sub: 'employee:7' })))).toMatchObject({
      principal: { type: 'employee', id: 7 },
    });
  });

  it.each([key, ec, rsa])('may be signed by $alg', async (signer) => {
    expect(await ask(header(craftAssertion(signer, assertionClaims())))).toMatchObject(admitted);
  });

  it('comes as x-auth-assertion or, if that is absent or empty, as Bearer', async () => {
    expect(await ask(bearer(assertion()))).toMatchObject(admitted);
    expect(await ask({ ...header(''), ...bearer(assertion()) })).toMatchObject(admitted);
    expect(await ask({ ...header(assertion()), ...bearer('nonsense') })).toMatchObject(admitted);
    expect(await ask({ ...header('nonsense'), ...bearer(assertion()) })).toMatchObject(invalid);
    for (const headers of [{}, header(''), header(' '), { cookie: `access_token=${assertion()}` }]) {
      expect(await ask(headers)).toMatchObject({
        status: 401,
        body: { error: 'Authentication required' },
        reason: 'no_token',
      });
    }
  });

  it('is admitted at the limits of its times and of the expected names', async () => {
    const second = now / 1000;
    expect(await ask(header(assertion({ iat: second + 30, exp: second + 1 })))).toMatchObject(admitted);
    expect(await ask(header(assertion({ iss: 'bff.test' })), { issuer: 'bff.test' })).toMatchObject(admitted);
    expect(await ask(header(assertion({ aud: 'payroll' })), { audience: undefined })).toMatchObject(admitted);
  });

  it('is admitted no longer than until its exp, also from the cache', async () => {
    const clock = { now };
    const { authenticate } = start({ now: () => clock.now });
    const request = { url: '/', headers: header(assertion()) };
    expect(await authenticate(request)).toMatchObject(admitted);
    clock.now = now + 59_999;
    expect(await authenticate(request)).toMatchObject(admitted);
    clock.now = now + 60_000;
    expect(await authenticate(request)).toMatchObject({ status: 401, reason: 'token_expired' });
  });

  it('is the only token with a JWKS: a token by the signing key is refused', async () => {
    expect(await ask(bearer(staffToken(now)))).toMatchObject(invalid);
    expect(await ask({ cookie: `access_token=${staffToken(now)}` })).toMatchObject({ reason: 'no_token' });
  });

  describe('that is hostile', () => {
    const hostile = hostileAssertions({ key, rsa });

    it('is of more than 60 kinds', () => {
      expect(new Set(hostile.map(({ token }) => token)).size).toBe(hostile.length);
      expect(hostile.length).toBeGreaterThan(60);
    });

    it.each([
      ['the authenticator in its header', header, () => start().authenticate],
      ['the authenticator as Bearer', bearer, () => start().authenticate],
      [
        'the fetch adapter',
        header,
        () => {
          const authenticate = createRequestAuthenticator({ jwks: server.jwks, audience: 'tickets', now: () => now });
          return async ({ headers }: { headers: Record<string, string> }) =>
            authenticate(new Request('http://localhost/', { headers }));
        },
      ],
    ])('is refused by %s', async (_, headersOf, create) => {
      const authenticate = create();
      const verdicts = await Promise.all(
        hostile.map(async ({ name, token }) => ({
          name,
          result: await authenticate({ url: '/', headers: headersOf(token) }),
        })),
      );
      expect(verdicts).toEqual(hostile.map(({ name, reason }) => ({ name, result: { ...invalid, reason } })));
    });

    it.each([
      ['Express', startExpressService],
      ['Fastify', startFastifyService],
    ])('is refused by %s over HTTP, which admits a good one', async (_, startService) => {
      await using service = await startService({ jwks: server.jwks, audience: 'tickets', now: () => now });
      const askFor = async (token: string) => askRaw(service.url, { target: '/tickets', headers: header(token) });
      const statuses = await Promise.all(hostile.map(async ({ name, token }) => [name, (await askFor(token)).status]));
      expect(statuses).toEqual(hostile.map(({ name }) => [name, 401]));
      expect(JSON.parse((await askFor(assertion())).body)).toMatchObject({
        auth: { id: 123 },
        payload: { sub: 'staff:123' },
      });
    });
  });
});

describe('the keys of assertions', () => {
  const start = async (keys = [key]) => {
    const server = await serveJwks(keys);
    const clock = { now };
    const refused: unknown[] = [];
    const { authenticate } = createAuthenticator({
      jwks: server.jwks,
      now: () => clock.now,
      jwksTimeoutMs: 100,
      onRefused: ({ message, cause }) => refused.push(message, cause),
    });
    const ask = (signer = key) => {
      const claims = assertionClaims({ iat: clock.now / 1000, exp: clock.now / 1000 + 60 });
      return authenticate({ url: '/', headers: header(craftAssertion(signer, claims)) });
    };
    return { server, clock, ask, refused, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
  };

  it('are loaded once for parallel requests, and only when first needed', async () => {
    await using service = await start();
    expect(service.server.requests).toBe(0);
    const results = await Promise.all([service.ask(), service.ask(), service.ask()]);
    expect(results.map(({ state }) => state)).toEqual(['admitted', 'admitted', 'admitted']);
    expect(service.server.requests).toBe(1);
  });

  it('are loaded again for an unknown kid, so that a rotation needs no restart', async () => {
    await using service = await start();
    expect(await service.ask()).toMatchObject(admitted);
    const next = createAssertionKey('a-2');
    service.server.publish(next, key);
    service.clock.now += 10_000;
    expect(await service.ask(next)).toMatchObject(admitted);
    expect(await service.ask(key)).toMatchObject(admitted);
    expect(service.server.requests).toBe(2);
    service.server.publish(next);
    service.clock.now += 600_000;
    expect(await service.ask(next)).toMatchObject(admitted);
    await expect
      .poll(async () => {
        // Another assertion each time: a verified one stays in the cache until its exp.
        service.clock.now += 1_000;
        return (await service.ask(key)).state;
      })
      .toBe('refused');
    expect(await service.ask(next)).toMatchObject(admitted);
  });

  it('are loaded at most every ten seconds, however many kids are made up', async () => {
    await using service = await start();
    for (let index = 0; index < 20; index += 1) {
      expect(await service.ask(createAssertionKey(`made-up-${index}`))).toMatchObject(invalid);
    }
    expect(service.server.requests).toBe(1);
  });

  it.each([
    ['the BFF answers an error', { status: 500 }],
    ['the BFF does not answer', { hangs: true }],
    ['the answer is no JSON', { body: '<html>' }],
    ['the answer has no keys', { body: '{"keys":[]}' }],
    ['the answer has only secrets', { body: '{"keys":[{"kty":"oct","k":"c2VjcmV0","kid":"a-1"}]}' }],
    ['the answer is a redirect', { status: 302 }],
  ])('make every request 503 and none 401 while %s', async (_, outage) => {
    await using service = await start();
    const well = { status: 200, hangs: false, body: service.server.body };
    Object.assign(service.server, outage);
    expect(await service.ask()).toEqual(unavailable);
    expect(service.refused).toEqual([
      `The keys of assertions could not be loaded from ${service.server.jwks}.`,
      expect.any(Error),
    ]);
    Object.assign(service.server, well);
    service.clock.now += 1_000;
    expect(await service.ask()).toMatchObject(admitted);
  });

  it('are loaded although the clock was an hour ahead when they could not be loaded', async () => {
    await using service = await start();
    service.clock.now += 3_600_000;
    service.server.status = 500;
    expect(await service.ask()).toEqual(unavailable);
    service.clock.now -= 3_600_000;
    service.server.status = 200;
    expect(await service.ask()).toMatchObject(admitted);
  });

  it('are loaded again after a rotation although the clock was an hour ahead at the first load', async () => {
    await using service = await start();
    service.clock.now += 3_600_000;
    expect(await service.ask()).toMatchObject(admitted);
    service.clock.now -= 3_600_000;
    const next = createAssertionKey('a-2');
    service.server.publish(next, key);
    expect(await service.ask(next)).toMatchObject(admitted);
  });

  it('stay in use for a day while they cannot be loaded again', async () => {
    await using service = await start();
    expect(await service.ask()).toMatchObject(admitted);
    service.server.status = 500;
    service.clock.now += 86_000_000;
    expect(await service.ask()).toMatchObject(admitted);
    service.clock.now += 400_000;
    expect(await service.ask()).toEqual(unavailable);
  });

  it('refuse nothing that needs no key: a request without a token, and a public path', async () => {
    await using service = await start();
    service.server.status = 500;
    const { authenticate } = createAuthenticator({ jwks: service.server.jwks, publicPrefixes: ['/public'] });
    expect(await authenticate({ url: '/', headers: {} })).toMatchObject({ status: 401, reason: 'no_token' });
    expect(await authenticate({ url: '/public', headers: header(assertion()) })).toEqual({ state: 'public' });
    expect(service.server.requests).toBe(0);
  });

  it('are never a shared secret, even if the BFF publishes one', async () => {
    await using service = await start();
    service.server.body = JSON.stringify({
      keys: [{ kty: 'oct', k: Buffer.from(signingKey).toString('base64url'), kid: 'a-1' }],
    });
    expect(await service.ask()).toEqual(unavailable);
  });
});
