import { createRemoteJWKSet, jwtVerify } from 'jose';
import { expect, it } from 'vitest';
import { askRaw } from '../../../support/app/raw-request.ts';
import { startSignedIn } from '../../../support/app/start-signed-in.ts';

it('/bff/jwks.json verifies an assertion, is readable from any origin, and may be cached', async () => {
  await using test = await startSignedIn({ env: { ASSERTION_ISSUER: 'https://bff.example.org' } });
  const jwks = await askRaw(test.url, { target: '/bff/jwks.json', headers: { origin: 'https://elsewhere.example' } });
  expect(jwks.status).toBe(200);
  expect(jwks.headers).toMatchObject({
    'access-control-allow-origin': '*',
    'cross-origin-resource-policy': 'cross-origin',
    'cache-control': 'public, max-age=300',
    'content-type': expect.stringContaining('application/jwk-set+json'),
  });
  const { headers } = await askRaw(test.url, {
    target: '/bff/verify?audience=tickets',
    headers: { authorization: `Bearer ${test.tokens.access}` },
  });
  const verified = await jwtVerify(
    String(headers['x-auth-assertion']),
    createRemoteJWKSet(new URL('/bff/jwks.json', test.url)),
    { issuer: 'https://bff.example.org', audience: 'tickets', currentDate: new Date(test.clock.now()) },
  );
  expect(verified.payload.sub).toBe('staff:123');
});

it('/bff/verify refuses an assertion in place of a token', async () => {
  await using test = await startSignedIn();
  const ask = (token: string) =>
    askRaw(test.url, { target: '/bff/verify?audience=tickets', headers: { authorization: `Bearer ${token}` } });
  const { headers } = await ask(test.tokens.access);
  expect((await ask(String(headers['x-auth-assertion']))).headers['x-auth-reason']).toBe('token_invalid');
});
