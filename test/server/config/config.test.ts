import { describe, expect, it } from 'vitest';
import { type Config, ConfigError, configWarnings, loadConfig } from '../../../server/src/config.ts';
import { reachedAt } from '../../support/auth-service/reached-at.ts';

type Environment = Record<string, string | undefined>;

const key = 'signing-key-of-32-bytes-exactly!';
const otherKey = 'another-key-of-more-than-32-bytes-for-the-tests';
const required: Environment = {
  DJANGO_JWT_SIGNING_KEY: key,
  AUTH_SERVICE_URL: 'http://auth-service:8000',
  AUTH_API_KEY: 'internal-api-key',
};

const load = (changes: Environment = {}): Config => loadConfig({ ...required, ...changes });

const errorOf = (env: Environment): ConfigError => {
  try {
    loadConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('The environment was accepted.');
};

/** The variables at fault, each once. */
const variablesAtFault = (changes: Environment): string[] => [
  ...new Set(errorOf({ ...required, ...changes }).faults.map(({ variable }) => variable)),
];

describe('loadConfig with the required variables only', () => {
  it('returns every default', () => {
    expect(load()).toEqual({
      isDevelopment: false,
      hasApiDocs: false,
      signingKeys: [key],
      algorithm: 'HS256',
      authServiceUrl: 'http://auth-service:8000',
      authServicePublicUrl: 'http://auth-service:8000',
      passwordReset: null,
      apiKey: 'internal-api-key',
      refreshThresholdSeconds: 300,
      tokenValidation: 'local',
      host: '127.0.0.1',
      port: 4000,
      opsHost: '127.0.0.1',
      opsPort: 9464,
      corsOrigins: [],
      cookieDomain: null,
      cookieSecure: true,
      sealingSecret: key,
      assertionKey: null,
      previousAssertionKey: null,
      assertionIssuer: 'auth-bff',
      redisUrl: null,
      redisSentinelPassword: null,
      redisPrefix: 'auth-bff:',
      directory: {
        people: { freshSeconds: 60, staleSeconds: 300, staleOnErrorSeconds: 3600, notFoundSeconds: 10 },
        roles: { freshSeconds: 15, staleSeconds: 0, staleOnErrorSeconds: 600 },
        maxEntries: 20_000,
      },
      rateLimitPerMinute: 6000,
      assignmentRoles: [],
      services: [],
      serviceAccount: null,
      trustProxy: false,
      logLevel: 'info',
    });
  });

  it.each(['', ' ', '\t\n'])('treats other variables as unset if they are %j', (blank) => {
    const optional = [
      'NODE_ENV',
      'AUTH_SERVICE_PUBLIC_URL',
      'PUBLIC_URL',
      'PASSWORD_RESET_URL',
      'DJANGO_JWT_SIGNING_KEY_PREVIOUS',
      'JWT_ALGORITHM',
      'TOKEN_REFRESH_THRESHOLD',
      'TOKEN_VALIDATION',
      'HOST',
      'PORT',
      'OPS_HOST',
      'OPS_PORT',
      'CORS_ORIGINS',
      'COOKIE_DOMAIN',
      'COOKIE_SECURE',
      'SEALING_KEY',
      'REDIS_URL',
      'RATE_LIMIT_PER_MINUTE',
      'ASSIGNMENT_ROLES',
      'TRUST_PROXY',
      'LOG_LEVEL',
    ];
    expect(load(Object.fromEntries(optional.map((variable) => [variable, blank])))).toEqual(load());
  });

  it('ignores unknown variables', () => {
    expect(load({ PATH: '/bin', JWT_SIGNING_KEY: 'x', port: '1', constructor: 'x' })).toEqual(load());
  });
});

describe('a variable', () => {
  it.each<[string, string, Partial<Config>]>([
    ['DJANGO_JWT_SIGNING_KEY_PREVIOUS', otherKey, { signingKeys: [key, otherKey] }],
    ['DJANGO_JWT_SIGNING_KEY_PREVIOUS', `${otherKey}, ${otherKey}2,`, { signingKeys: [key, otherKey, `${otherKey}2`] }],
    ['DJANGO_JWT_SIGNING_KEY_PREVIOUS', ',', { signingKeys: [key] }],
    ['AUTH_SERVICE_URL', 'https://auth.example.org', reachedAt('https://auth.example.org')],
    ['AUTH_SERVICE_URL', ' http://auth-service:8000// ', reachedAt('http://auth-service:8000')],
    ['AUTH_SERVICE_URL', 'http://gateway/auth/', reachedAt('http://gateway/auth')],
    ['AUTH_SERVICE_URL', 'http://[::1]:8000', reachedAt('http://[::1]:8000')],
    ['AUTH_SERVICE_PUBLIC_URL', 'https://auth.example.org/', { authServicePublicUrl: 'https://auth.example.org' }],
    ['PUBLIC_URL', 'https://bff.example.org', {}],
    ['PASSWORD_RESET_URL', 'https://app.example.org/reset', {}],
    ['AUTH_API_KEY', '!"#$%&~', { apiKey: '!"#$%&~' }],
    ['JWT_ALGORITHM', 'HS256', { algorithm: 'HS256' }],
    ['JWT_ALGORITHM', 'HS384', { algorithm: 'HS384' }],
    ['JWT_ALGORITHM', ' HS512 ', { algorithm: 'HS512' }],
    ['TOKEN_REFRESH_THRESHOLD', '0', { refreshThresholdSeconds: 0 }],
    ['TOKEN_REFRESH_THRESHOLD', '604800', { refreshThresholdSeconds: 604_800 }],
    ['TOKEN_VALIDATION', 'local', { tokenValidation: 'local' }],
    ['HOST', ' 0.0.0.0 ', { host: '0.0.0.0' }],
    ['PORT', '0', { port: 0 }],
    ['PORT', '65535', { port: 65_535 }],
    ['OPS_HOST', '::', { opsHost: '::' }],
    ['OPS_PORT', '9000', { opsPort: 9000 }],
    ['CORS_ORIGINS', 'https://tts.example.org', { corsOrigins: ['https://tts.example.org'] }],
    [
      'CORS_ORIGINS',
      'https://tts.example.org, http://localhost:5173,',
      { corsOrigins: ['https://tts.example.org', 'http://localhost:5173'] },
    ],
    ['COOKIE_DOMAIN', 'example.org', { cookieDomain: 'example.org' }],
    ['COOKIE_DOMAIN', '.example.org', { cookieDomain: 'example.org' }],
    ['COOKIE_SECURE', 'true', { cookieSecure: true }],
    ['COOKIE_SECURE', 'false', { cookieSecure: false }],
    ['SEALING_KEY', otherKey, { sealingSecret: otherKey }],
    ['REDIS_PREFIX', 'auth-bff-staging:', { redisPrefix: 'auth-bff-staging:' }],
    ['REDIS_URL', 'redis://redis:6379', { redisUrl: 'redis://redis:6379' }],
    ['REDIS_URL', 'rediss://user:word@redis:6380/1', { redisUrl: 'rediss://user:word@redis:6380/1' }],
    ['RATE_LIMIT_PER_MINUTE', '0', { rateLimitPerMinute: 0 }],
    ['TRUST_PROXY', 'true', { trustProxy: true }],
    ['TRUST_PROXY', 'false', { trustProxy: false }],
    ['TRUST_PROXY', '2', { trustProxy: 2 }],
    ['TRUST_PROXY', '10.0.0.0/8, 192.168.1.1', { trustProxy: ['10.0.0.0/8', '192.168.1.1'] }],
    ['TRUST_PROXY', '::1,fd00::/8', { trustProxy: ['::1', 'fd00::/8'] }],
    ['LOG_LEVEL', 'silent', { logLevel: 'silent' }],
  ])('%s may be %j', (variable, value, expected) => {
    expect(load({ [variable]: value })).toEqual({ ...load(), ...expected });
  });

  it.each<[string, string | undefined]>([
    ['DJANGO_JWT_SIGNING_KEY', undefined],
    ['DJANGO_JWT_SIGNING_KEY', ''],
    ['DJANGO_JWT_SIGNING_KEY', ' '.repeat(40)],
    ['DJANGO_JWT_SIGNING_KEY', key.slice(1)],
    ['DJANGO_JWT_SIGNING_KEY_PREVIOUS', 'short'],
    ['DJANGO_JWT_SIGNING_KEY_PREVIOUS', `${otherKey},short`],
    ['AUTH_SERVICE_URL', undefined],
    ['AUTH_SERVICE_URL', ''],
    ['AUTH_SERVICE_URL', 'auth-service:8000'],
    ['AUTH_SERVICE_URL', 'auth-service'],
    ['AUTH_SERVICE_URL', '//auth-service'],
    ['AUTH_SERVICE_URL', 'http://'],
    ['AUTH_SERVICE_URL', 'ftp://auth-service'],
    ['AUTH_SERVICE_URL', 'file:///etc/passwd'],
    ['AUTH_SERVICE_URL', 'javascript:alert(1)'],
    ['AUTH_SERVICE_URL', 'http://user@auth-service'],
    ['AUTH_SERVICE_URL', 'http://:word@auth-service'],
    ['AUTH_SERVICE_URL', 'http://auth-service/?next=1'],
    ['AUTH_SERVICE_URL', 'http://auth-service/?'],
    ['AUTH_SERVICE_URL', 'http://auth-service#x'],
    ['AUTH_SERVICE_URL', 'http://auth-service#'],
    ['AUTH_SERVICE_URL', 'http://auth-service:99999'],
    ['AUTH_API_KEY', undefined],
    ['AUTH_API_KEY', ''],
    ['AUTH_API_KEY', 'two words'],
    ['AUTH_API_KEY', 'with-a-newline\n'],
    ['AUTH_API_KEY', 'with\r\nX-Header: 1'],
    ['AUTH_API_KEY', 'schlüssel'],
    ['JWT_ALGORITHM', 'none'],
    ['JWT_ALGORITHM', 'RS256'],
    ['JWT_ALGORITHM', 'hs256'],
    ['JWT_ALGORITHM', 'HS256,HS512'],
    ['TOKEN_REFRESH_THRESHOLD', '-1'],
    ['TOKEN_REFRESH_THRESHOLD', '1.5'],
    ['TOKEN_REFRESH_THRESHOLD', '1e3'],
    ['TOKEN_REFRESH_THRESHOLD', '0x10'],
    ['TOKEN_REFRESH_THRESHOLD', '5m'],
    ['TOKEN_REFRESH_THRESHOLD', 'Infinity'],
    ['TOKEN_REFRESH_THRESHOLD', '604801'],
    ['TOKEN_VALIDATION', 'Remote'],
    ['TOKEN_VALIDATION', 'none'],
    ['PORT', '65536'],
    ['PORT', 'http'],
    ['PORT', '-1'],
    ['OPS_PORT', '65536'],
    ['OPS_PORT', '94 64'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'null'],
    ['CORS_ORIGINS', 'tts.example.org'],
    ['CORS_ORIGINS', 'https://tts.example.org/'],
    ['CORS_ORIGINS', 'https://tts.example.org/path'],
    ['CORS_ORIGINS', 'https://user:word@tts.example.org'],
    ['CORS_ORIGINS', 'https://TTS.example.org'],
    ['CORS_ORIGINS', 'https://tts.example.org:443'],
    ['CORS_ORIGINS', 'https://*.example.org'],
    ['CORS_ORIGINS', 'ftp://tts.example.org'],
    ['CORS_ORIGINS', 'https://tts.example.org,ams.example.org'],
    ['CORS_ORIGINS', 'https://tts.example.org https://ams.example.org'],
    ['COOKIE_DOMAIN', 'https://example.org'],
    ['COOKIE_DOMAIN', 'example.org:4000'],
    ['COOKIE_DOMAIN', 'example.org; Secure'],
    ['COOKIE_DOMAIN', 'example..org'],
    ['COOKIE_DOMAIN', '.'],
    ['COOKIE_SECURE', 'yes'],
    ['COOKIE_SECURE', '0'],
    ['COOKIE_SECURE', 'TRUE'],
    ['SEALING_KEY', 'short'],
    ['REDIS_URL', 'redis:6379'.replace('redis:', 'redis-host:')],
    ['REDIS_URL', 'http://redis:6379'],
    ['REDIS_URL', 'localhost'],
    ['REDIS_PREFIX', 'a b'],
    ['REDIS_PREFIX', '{staging}:'],
    ['REDIS_PREFIX', 'x'.repeat(65)],
    ['RATE_LIMIT_PER_MINUTE', '-1'],
    ['RATE_LIMIT_PER_MINUTE', '1000001'],
    ['RATE_LIMIT_PER_MINUTE', 'none'],
    ['TRUST_PROXY', 'yes'],
    ['TRUST_PROXY', 'fe'],
    ['TRUST_PROXY', '10.0.0'],
    ['TRUST_PROXY', '10.0.0.256'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', '10.0.0.0/0'],
    ['TRUST_PROXY', '10.0.0.0/8/8'],
    ['TRUST_PROXY', '::1/129'],
    ['TRUST_PROXY', '10.0.0.0/'],
    ['TRUST_PROXY', '10.0.0.1,proxy.example.org'],
    ['TRUST_PROXY', '-1'],
    ['LOG_LEVEL', 'verbose'],
    ['LOG_LEVEL', 'INFO'],
  ])('%s may not be %j, and is named in the error', (variable, value) => {
    expect(variablesAtFault({ [variable]: value })).toEqual([variable]);
    expect(errorOf({ ...required, [variable]: value }).message).toContain(`  ${variable}: `);
  });
});

describe('the message of a ConfigError', () => {
  it('names every invalid variable and its expected value', () => {
    const { message, faults } = errorOf({
      NODE_ENV: 'production',
      DJANGO_JWT_SIGNING_KEY: 'short',
      AUTH_SERVICE_URL: 'auth-service:8000',
      PORT: 'http',
      COOKIE_SECURE: 'yes',
      CORS_ORIGINS: '*',
    });
    expect(faults.map(({ variable }) => variable).toSorted()).toEqual([
      'AUTH_API_KEY',
      'AUTH_SERVICE_URL',
      'COOKIE_SECURE',
      'CORS_ORIGINS',
      'DJANGO_JWT_SIGNING_KEY',
      'PORT',
    ]);
    expect(message).toMatch(/AUTH_API_KEY: is not set; expected the key for the internal endpoints/);
    expect(message).toMatch(/AUTH_SERVICE_URL: expected an http or https address/);
    expect(message).toMatch(/COOKIE_SECURE: expected true or false/);
    expect(message).toMatch(/CORS_ORIGINS: expected origins/);
    expect(message).toMatch(/DJANGO_JWT_SIGNING_KEY: is 5 bytes long; expected 32 or more outside development/);
    expect(message).toMatch(/PORT: expected a whole number from 0 to 65535/);
  });

  it('names every required variable if none is set', () => {
    expect(errorOf({}).faults.map(({ variable }) => variable)).toEqual([
      'DJANGO_JWT_SIGNING_KEY',
      'AUTH_SERVICE_URL',
      'AUTH_API_KEY',
    ]);
  });

  it('names a short signing key even if another variable is invalid', () => {
    expect(variablesAtFault({ DJANGO_JWT_SIGNING_KEY: 'short', PORT: 'x' }).toSorted()).toEqual([
      'DJANGO_JWT_SIGNING_KEY',
      'PORT',
    ]);
  });

  it('names the index of a short previous key', () => {
    const { message } = errorOf({ ...required, DJANGO_JWT_SIGNING_KEY_PREVIOUS: `${otherKey},short` });
    expect(message).toContain('DJANGO_JWT_SIGNING_KEY_PREVIOUS: key 2 is 5 bytes long');
  });

  it('contains no values: no key, no password, no part of an address', () => {
    const secrets = {
      DJANGO_JWT_SIGNING_KEY: 'sekret-signing',
      DJANGO_JWT_SIGNING_KEY_PREVIOUS: 'sekret-before,sekret-long-before',
      AUTH_SERVICE_URL: 'http://sekret-user:sekret-word@sekret-host?sekret-query#sekret-hash',
      AUTH_API_KEY: 'sekret api key',
      SEALING_KEY: 'sekret-seal',
      REDIS_URL: 'http://:sekret-redis@redis',
      CORS_ORIGINS: 'https://sekret:sekret@tts.example.org',
      COOKIE_DOMAIN: 'sekret domain',
      TRUST_PROXY: 'sekret',
      PORT: 'sekret',
      LOG_LEVEL: 'sekret',
      JWT_ALGORITHM: 'sekret',
      TOKEN_VALIDATION: 'sekret',
      COOKIE_SECURE: 'sekret',
    };
    const error = errorOf(secrets);
    expect([...new Set(error.faults.map(({ variable }) => variable))].toSorted()).toEqual(
      Object.keys(secrets).toSorted(),
    );
    expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.toContain('sekret');
  });
});

describe('a signing key', () => {
  it('keeps its white space', () => {
    const spaced = `  ${key}\t\n`;
    const config = load({ DJANGO_JWT_SIGNING_KEY: spaced, SEALING_KEY: `${otherKey} ` });
    expect(config.signingKeys).toEqual([spaced]);
    expect(config.sealingSecret).toBe(`${otherKey} `);
  });

  it('may contain commas and non-ASCII characters', () => {
    const unusual = `${key},ключ,鍵`;
    expect(load({ DJANGO_JWT_SIGNING_KEY: unusual }).signingKeys).toEqual([unusual]);
  });

  it('is measured in bytes, not in characters', () => {
    expect(load({ DJANGO_JWT_SIGNING_KEY: 'й'.repeat(16) }).signingKeys).toEqual(['й'.repeat(16)]);
    expect(variablesAtFault({ DJANGO_JWT_SIGNING_KEY: 'й'.repeat(15) })).toEqual(['DJANGO_JWT_SIGNING_KEY']);
  });

  it.each([undefined, '', 'production', 'test', 'Development', 'dev', ' development ', 'development,production'])(
    'of less than 32 bytes is refused if NODE_ENV is %j',
    (NODE_ENV) => {
      expect(variablesAtFault({ NODE_ENV, DJANGO_JWT_SIGNING_KEY: 'short' })).toEqual(['DJANGO_JWT_SIGNING_KEY']);
    },
  );

  it('may be short with NODE_ENV=development', () => {
    const config = load({
      NODE_ENV: 'development',
      DJANGO_JWT_SIGNING_KEY: 'dev',
      DJANGO_JWT_SIGNING_KEY_PREVIOUS: 'old',
      SEALING_KEY: 'seal',
    });
    expect(config).toMatchObject({ isDevelopment: true, signingKeys: ['dev', 'old'], sealingSecret: 'seal' });
  });

  it('is required in development too', () => {
    expect(variablesAtFault({ NODE_ENV: 'development', DJANGO_JWT_SIGNING_KEY: undefined })).toEqual([
      'DJANGO_JWT_SIGNING_KEY',
    ]);
  });
});

describe('remote validation', () => {
  const remote = { TOKEN_VALIDATION: 'remote', DJANGO_JWT_SIGNING_KEY: undefined, SEALING_KEY: otherKey };

  it('needs no signing key', () => {
    expect(load(remote)).toMatchObject({ tokenValidation: 'remote', signingKeys: [], sealingSecret: otherKey });
  });

  it('needs a sealing key, because there is no signing key to derive it from', () => {
    expect(variablesAtFault({ ...remote, SEALING_KEY: undefined })).toEqual(['SEALING_KEY']);
    expect(variablesAtFault({ ...remote, SEALING_KEY: 'short' })).toEqual(['SEALING_KEY']);
  });

  it('does not derive the sealing key from the signing key', () => {
    expect(variablesAtFault({ ...remote, DJANGO_JWT_SIGNING_KEY: key, SEALING_KEY: undefined })).toEqual([
      'SEALING_KEY',
    ]);
  });

  it('ignores a signing key', () => {
    const config = load({ ...remote, DJANGO_JWT_SIGNING_KEY: 'short', DJANGO_JWT_SIGNING_KEY_PREVIOUS: 'older' });
    expect(config).toMatchObject({ signingKeys: [], sealingSecret: otherKey });
  });

  it('accepts white space around the word', () => {
    expect(load({ ...remote, TOKEN_VALIDATION: ' remote ' }).tokenValidation).toBe('remote');
  });

  it('still needs AUTH_SERVICE_URL and AUTH_API_KEY', () => {
    expect(variablesAtFault({ ...remote, AUTH_SERVICE_URL: undefined, AUTH_API_KEY: ' ' })).toEqual([
      'AUTH_SERVICE_URL',
      'AUTH_API_KEY',
    ]);
  });
});

describe('configWarnings', () => {
  const sealing = { SEALING_KEY: 'sealing-key-of-at-least-32-bytes-01' };

  it('returns no warnings if the sealing key is set', () => {
    expect(configWarnings(load(sealing))).toEqual([]);
  });

  it('warns that assertions are signed with a key that derives from the signing key', () => {
    expect(configWarnings(load())).toEqual([expect.stringMatching(/^SEALING_KEY is not set.*Set SEALING_KEY/)]);
  });

  it('warns about cookies without Secure outside development', () => {
    expect(configWarnings(load({ ...sealing, COOKIE_SECURE: 'false' }))).toEqual([
      expect.stringContaining('COOKIE_SECURE'),
    ]);
  });

  it('does not warn about such cookies in development', () => {
    expect(configWarnings(load({ ...sealing, COOKIE_SECURE: 'false', NODE_ENV: 'development' }))).toEqual([]);
  });
});
