import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EmbeddedAuthService, startAuthService } from '../../../server/dev/auth-service/auth-service.ts';
import { runDoctorHere, wellEnvironment } from '../../support/processes/run-doctor.ts';
import { apiKey, signingKey } from '../../support/app/start-app.ts';
import { staffToken } from '../../support/token/tokens.ts';

let authService: EmbeddedAuthService;
beforeAll(async () => {
  authService = await startAuthService({ signingKey, apiKey });
});
afterAll(() => authService.close());

const examine = async (changes: Record<string, string>, token?: string) => {
  const env = wellEnvironment(authService.url, changes);
  return runDoctorHere({ env, ...(token === undefined ? {} : { token }) });
};

describe('the doctor warns about weak settings', () => {
  it.each([
    ['TRUST_PROXY', 'true', 'is true: clients can forge their address with X-Forwarded-For'],
    ['LOG_LEVEL', 'silent', 'is silent: neither requests nor failures are logged'],
    ['RATE_LIMIT_PER_MINUTE', '0', 'is 0: the number of calls of a client is unlimited'],
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
  ])('but not about %s=%s', async (name, value) => {
    expect((await examine({ [name]: value })).line('✓', name)).toContain('is set and valid');
  });
});

describe('CORS_ORIGINS', () => {
  it.each(['', ' ,'])('may be empty without a warning: %j', async (origins) => {
    const run = await examine({ CORS_ORIGINS: origins });
    expect(run.line('✓', 'CORS_ORIGINS')).toContain('is not set: only pages of the same origin may call the BFF');
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
    ['example.com', 'https://tts.example.org', 'matches no host in CORS_ORIGINS and HOST'],
    ['ample.org', 'https://example.org', 'matches no host in CORS_ORIGINS and HOST'],
    ['tts.example.org', 'https://example.org', 'matches no host in CORS_ORIGINS and HOST'],
  ])('%s is reported with CORS_ORIGINS=%s', async (domain, origin, says) => {
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
  ])('%s is accepted with CORS_ORIGINS=%j', async (domain, origins) => {
    const run = await examine({ COOKIE_DOMAIN: domain, CORS_ORIGINS: origins });
    expect(run.line('✓', 'COOKIE_DOMAIN')).toContain('is set and valid');
  });

  it('is compared with HOST as well if HOST is a name', async () => {
    const changes = { COOKIE_DOMAIN: 'example.org', CORS_ORIGINS: '' };
    expect((await examine({ ...changes, HOST: 'bff.example.com' })).line('!', 'COOKIE_DOMAIN')).toContain('and HOST');
    expect((await examine({ ...changes, HOST: 'bff.example.org' })).line('✓', 'COOKIE_DOMAIN')).toContain('is set');
  });
});

describe('an unknown variable', () => {
  it('is reported with the name of the variable that it resembles, and without its value', async () => {
    const run = await examine({
      REDISURL: 'redis://sekret',
      JWT_ALGORITHMS: 'sekret',
      CORS_ALLOWED_ORIGINS: 'sekret',
      CORS_ORIGINS: '',
    });
    expect(run.line('!', 'REDISURL')).toContain('is set, but is not a variable of this service. Set REDIS_URL instead');
    expect(run.line('!', 'JWT_ALGORITHMS')).toContain('Set JWT_ALGORITHM instead');
    expect(run.line('!', 'CORS_ALLOWED_ORIGINS')).toContain('Set CORS_ORIGINS instead');
    expect(run.stdout).not.toContain('sekret');
    expect(run.code).toBe(0);
  });

  it('or parameter of REDIS_URL is reported in addition to the state of Redis', async () => {
    const run = await examine({ REDIS_URL: 'redis://127.0.0.1:9?clster=true' });
    expect(run.line('✗', 'REDIS_URL')).toContain('nothing listens at this address');
    expect(run.line('!', 'REDIS_URL')).toContain('has the unknown query parameter clster, which is ignored');
  });
});

describe('an invalid variable', () => {
  it('causes one line, even if it equals the default of another variable', async () => {
    const run = await examine({ PORT: '9464' });
    expect(run.line('✗', 'OPS_PORT')).toContain('is the port that PORT already uses on the same address');
    expect(run.line('✓', 'paths')).toContain('called endpoints exist');
    expect(run.code).toBe(1);
  });
});

describe('the cookie of a token', () => {
  const sized = (bytes: number, claims: Record<string, unknown> = {}): string => {
    const ofPadding = (pad: string) => staffToken(Date.now(), { ...claims, pad }, signingKey);
    // Four characters for three bytes: some lengths are none that a token can have.
    for (let length = Math.floor(((bytes - ofPadding('').length) * 3) / 4) - 3; ; length += 1) {
      const token = ofPadding('x'.repeat(length));
      if (token.length >= bytes) return token;
    }
  };
  const of = (token: string, cookie: string) => token.length + cookie.length;

  it('is reported if it is too large for browsers', async () => {
    const token = sized(4_096);
    const run = await examine({}, token);
    expect(run.line('✗', 'cookie')).toContain(
      `the cookie access_token with this token has ${of(token, 'access_token')} bytes: browsers drop cookies of more than 4096`,
    );
    expect(run.line('✓', 'DJANGO_JWT_SIGNING_KEY')).toContain('signed the token');
    expect(run.stdout).not.toContain(token.slice(0, 12));
    expect(run.code).toBe(1);
  });

  it('is measured including its name, which differs for refresh tokens', async () => {
    const access = sized(4_096 - 'access_token'.length + 1);
    expect(of(access, 'access_token')).toBeGreaterThan(4_096);
    expect((await examine({}, access)).stdout).toContain('cookie');
    const refresh = sized(4_096, { token_type: 'refresh' });
    expect((await examine({}, refresh)).line('✗', 'cookie')).toContain('refresh_token with this token');
  });

  it('has no line if it is small enough', async () => {
    const token = sized(4_000);
    expect(of(token, 'access_token')).toBeLessThanOrEqual(4_096);
    expect((await examine({}, token)).stdout).not.toMatch(/^. cookie /m);
  });
});
