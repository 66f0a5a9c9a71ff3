import { describe, expect, it } from 'vitest';
import { startAuthService } from '../../../server/dev/auth-service/auth-service.ts';
import { examineHere, wellEnvironment } from '../../support/processes/run-doctor.ts';
import { apiKey, signingKey } from '../../support/app/start-app.ts';
import { staffToken } from '../../support/token/tokens.ts';

const examine = async (changes: Record<string, string>, token?: string) => {
  await using authService = await startAuthService({ signingKey, apiKey });
  const env = wellEnvironment(authService.url, changes);
  return await examineHere({ env, ...(token === undefined ? {} : { token }) });
};

describe('the doctor warns of a setting that gives up a protection', () => {
  it.each([
    ['TRUST_PROXY', 'true', 'is true: a client can choose the address that it is limited by'],
    ['LOG_LEVEL', 'silent', 'is silent: neither requests nor failures are logged'],
    ['RATE_LIMIT_PER_MINUTE', '0', 'is 0: one client may send as many calls as it can'],
    ['COOKIE_SECURE', 'false', 'is false outside development'],
  ])('%s=%s', async (name, value, says) => {
    const run = await examine({ [name]: value });
    expect(run.line('!', name)).toContain(says);
    expect(run.stdout.split('\n').filter((line) => line.includes(` ${name} `))).toHaveLength(1);
    expect(run.code).toBe(0);
  });

  it.each([
    ['TRUST_PROXY', '1'],
    ['TRUST_PROXY', 'loopback'],
    ['LOG_LEVEL', 'warn'],
    ['RATE_LIMIT_PER_MINUTE', '60'],
  ])('and not of %s=%s', async (name, value) => {
    expect((await examine({ [name]: value })).line('✓', name)).toContain('is set and can be read');
  });
});

describe('CORS_ORIGINS', () => {
  it.each(['', ' ,'])('that is empty is no reason for a warning: %j', async (origins) => {
    const run = await examine({ CORS_ORIGINS: origins });
    expect(run.line('✓', 'CORS_ORIGINS')).toContain('is not set: the pages of the BFF itself may call');
    expect(run.stdout).not.toMatch(/^! CORS_ORIGINS/m);
    expect(run.stdout).not.toContain('may not call');
  });
});

describe('COOKIE_DOMAIN', () => {
  it.each([
    ['192.0.2.7', 'https://tts.example.org', 'is an IP address'],
    ['localhost', 'https://tts.example.org', 'is a name without a dot'],
    ['co.uk', 'https://tts.example.co.uk', 'is a public suffix'],
    ['azurewebsites.net', 'https://tts.azurewebsites.net', 'is a public suffix'],
    ['example.com', 'https://tts.example.org', 'is the domain of no host in CORS_ORIGINS and HOST'],
    ['ample.org', 'https://example.org', 'is the domain of no host in CORS_ORIGINS and HOST'],
    ['tts.example.org', 'https://example.org', 'is the domain of no host in CORS_ORIGINS and HOST'],
  ])('%s is warned of beside %s', async (domain, origin, says) => {
    const run = await examine({ COOKIE_DOMAIN: domain, CORS_ORIGINS: origin });
    expect(run.line('!', 'COOKIE_DOMAIN')).toContain(says);
    expect(run.code).toBe(0);
  });

  it.each([
    ['example.org', 'https://tts.example.org,https://elsewhere.example.com'],
    ['example.org', 'https://example.org'],
    ['example.co.uk', 'https://tts.example.co.uk'],
    ['example.org', 'http://localhost:5173,http://127.0.0.1:5173,http://[::1]:5173'],
    ['example.org', ''],
  ])('%s is not warned of beside %j', async (domain, origins) => {
    const run = await examine({ COOKIE_DOMAIN: domain, CORS_ORIGINS: origins });
    expect(run.line('✓', 'COOKIE_DOMAIN')).toContain('is set and can be read');
  });

  it('is compared with HOST as well, if that is a name', async () => {
    const changes = { COOKIE_DOMAIN: 'example.org', CORS_ORIGINS: '' };
    expect((await examine({ ...changes, HOST: 'bff.example.com' })).line('!', 'COOKIE_DOMAIN')).toContain('and HOST');
    expect((await examine({ ...changes, HOST: 'bff.example.org' })).line('✓', 'COOKIE_DOMAIN')).toContain('is set');
  });
});

describe('a name that nothing reads', () => {
  it('is told with the name that is meant, and without its value', async () => {
    const run = await examine({
      REDISURL: 'redis://sekret',
      JWT_ALGORITHMS: 'sekret',
      CORS_ALLOWED_ORIGINS: 'sekret',
      CORS_ORIGINS: '',
    });
    expect(run.line('!', 'REDISURL')).toContain('is set, and nothing reads it. Set REDIS_URL, which is its name here');
    expect(run.line('!', 'JWT_ALGORITHMS')).toContain('Set JWT_ALGORITHM, which is its name here');
    expect(run.line('!', 'CORS_ALLOWED_ORIGINS')).toContain('Set CORS_ORIGINS, which is its name here');
    expect(run.stdout).not.toContain('sekret');
    expect(run.code).toBe(0);
  });

  it('is told of a parameter of REDIS_URL, beside whether Redis can be used', async () => {
    const run = await examine({ REDIS_URL: 'redis://127.0.0.1:9?clster=true' });
    expect(run.line('✗', 'REDIS_URL')).toContain('nobody listens there');
    expect(run.line('!', 'REDIS_URL')).toContain('has the parameter clster, which nothing reads');
  });
});

describe('a variable at fault', () => {
  it('is one line, though another takes its default for granted', async () => {
    const run = await examine({ PORT: '9464' });
    expect(run.line('✗', 'OPS_PORT')).toContain('is the port that PORT takes on the same address');
    expect(run.line('✓', 'paths')).toContain('are there');
    expect(run.code).toBe(1);
  });
});

describe('a token', () => {
  const sized = (bytes: number, claims: Record<string, unknown> = {}): string => {
    const ofPadding = (pad: string) => staffToken(Date.now(), { ...claims, pad }, signingKey);
    // Four characters for three bytes: some lengths are none that a token can have.
    for (let length = 0; ; length += 1) {
      const token = ofPadding('x'.repeat(length));
      if (token.length >= bytes) return token;
    }
  };
  const of = (token: string, cookie: string) => token.length + cookie.length;

  it('whose cookie is too big for a browser is told so', async () => {
    const token = sized(4_096);
    const run = await examine({}, token);
    expect(run.line('✗', 'cookie')).toContain(
      `access_token with this token has ${of(token, 'access_token')} bytes, and browsers drop a cookie of more than 4096`,
    );
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('made the signature');
    expect(run.stdout).not.toContain(token.slice(0, 12));
    expect(run.code).toBe(1);
  });

  it('is measured with the name of its cookie, which is another for a refresh token', async () => {
    const access = sized(4_096 - 'access_token'.length + 1);
    expect(of(access, 'access_token')).toBeGreaterThan(4_096);
    expect((await examine({}, access)).stdout).toContain('cookie');
    const refresh = sized(4_096, { token_type: 'refresh' });
    expect((await examine({}, refresh)).line('✗', 'cookie')).toContain('refresh_token with this token');
  });

  it('whose cookie fits is no line of its own', async () => {
    const token = sized(4_000);
    expect(of(token, 'access_token')).toBeLessThanOrEqual(4_096);
    expect((await examine({}, token)).stdout).not.toMatch(/^. cookie /m);
  });
});
