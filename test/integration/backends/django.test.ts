import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeProtectedHeader, SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askRaw } from '../../support/app/raw-request.ts';
import { startSignedIn } from '../../support/app/start-signed-in.ts';
import { findPython } from '../../support/processes/python.ts';
import { root, runProgram } from '../../support/processes/run-process.ts';
import { createClock } from '../../support/app/start-app.ts';
import { documentedCode } from './documented-proxies.ts';

const python = findPython(['django', 'jwt', 'cryptography']);

/** The middleware of docs/middleware.md in a process of its own. */
const startDjango = async (bff: string) => {
  const folder = mkdtempSync(join(tmpdir(), 'auth-bff-django-'));
  writeFileSync(join(folder, 'middleware.py'), documentedCode('python', 'JWTAuthMiddleware'));
  const running = runProgram({
    program: python ?? '',
    args: [join(root, 'test/integration/backends/django-service.py')],
    cwd: folder,
    env: { PYTHONPATH: folder, PYTHONDONTWRITEBYTECODE: '1', AUTH_BFF_JWKS: `${bff}/bff/jwks.json` },
  });
  const [, port] = await running.printed(/listening on (\d+)/);
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
};

describe.skipIf(python === null)('the Django middleware of docs/middleware.md', () => {
  // Python reads the clock of the machine.
  const clock = createClock(Date.now());
  const [own, other] = [generateKeyPairSync('ed25519'), generateKeyPairSync('ed25519')];
  const pem = own.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  let bff: Awaited<ReturnType<typeof startSignedIn>>;
  let django: Awaited<ReturnType<typeof startDjango>>;
  beforeAll(async () => {
    bff = await startSignedIn({ clock, env: { ASSERTION_KEY: pem } });
    django = await startDjango(bff.url);
  });
  afterAll(async () => {
    await django[Symbol.asyncDispose]();
    await bff[Symbol.asyncDispose]();
  });

  const assertionFor = async (audience: string): Promise<string> => {
    const headers = { authorization: `Bearer ${bff.tokens.access}` };
    const answer = await askRaw(bff.url, { target: `/bff/verify?audience=${audience}`, headers });
    return String(answer.headers['x-auth-assertion']);
  };
  const ask = async (assertion: string | null) => {
    const headers = assertion === null ? {} : { 'x-auth-assertion': assertion };
    const { status, body } = await askRaw(django.url, { target: '/tickets/', headers });
    return [status, JSON.parse(body)];
  };
  /** An assertion that differs from one of the BFF in one point. */
  const forge = async (changes: Record<string, unknown>, { key = own.privateKey, alg = 'EdDSA', seconds = 0 } = {}) => {
    const { kid = '' } = decodeProtectedHeader(await assertionFor('tickets'));
    const issuedAt = Math.floor(Date.now() / 1000) + seconds;
    const claims = { iss: 'auth-bff', aud: 'tickets', sub: 'staff:1', iat: issuedAt, exp: issuedAt + 60, roles: [] };
    const signer = new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg, kid, typ: 'JWT' });
    return signer.sign(alg === 'HS256' ? Buffer.from(own.publicKey.export({ type: 'spki', format: 'pem' })) : key);
  };

  it('knows the caller of an assertion', async () => {
    expect(await ask(await assertionFor('tickets'))).toEqual([
      200,
      {
        type: 'staff',
        id: '123',
        audience: 'tickets',
        roles: [
          { system: 'TTS', role: 'Technician' },
          { system: 'AMS', role: 'User' },
        ],
      },
    ]);
    expect(await ask(await forge({}))).toMatchObject([200, { id: '1' }]);
  });

  it('answers 401 without an assertion, and with an empty one', async () => {
    const required = [401, { error: 'Authentication required' }];
    expect([await ask(null), await ask('')]).toEqual([required, required]);
  });

  it.each([
    ['for another backend', () => assertionFor('assets')],
    ['that has expired', () => forge({}, { seconds: -80 })],
    ['of another issuer', () => forge({ iss: 'somebody' })],
    ['without a subject', () => forge({ sub: undefined })],
    ['that another key signed', () => forge({}, { key: other.privateKey })],
    ['that the public key signed as HMAC', () => forge({}, { alg: 'HS256' })],
    ['that is no JWT', async () => 'none'],
  ])('refuses an assertion %s', async (_name, make) => {
    expect(await ask(await make())).toEqual([401, { error: 'Invalid token' }]);
  });

  it('answers 503 for a key that the BFF does not publish: the JWKS may be the one that is behind', async () => {
    expect(await ask(bff.tokens.access)).toEqual([503, { error: 'Service unavailable' }]);
  });
});
