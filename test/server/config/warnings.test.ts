import { describe, expect, it } from 'vitest';
import { configWarnings, loadConfig } from '../../../server/src/config.ts';

const key = 'signing-key-of-32-bytes-exactly!';
const required = {
  DJANGO_JWT_SIGNING_KEY: key,
  AUTH_SERVICE_URL: 'http://auth-service:8000',
  AUTH_API_KEY: 'internal-api-key',
};

const warningsOf = (changes: Record<string, string>): string[] => {
  const env = { ...required, ...changes };
  return configWarnings(loadConfig(env), env);
};

describe('a warning at start', () => {
  it.each([
    ['DJANGO_JWT_SIGNING_KEY', `${key}\n`, 'has white space at its beginning or end, which counts as part of the key'],
    ['DJANGO_JWT_SIGNING_KEY', ` ${key}`, 'has white space at its beginning or end'],
    ['DJANGO_JWT_SIGNING_KEY', `"${key}"`, 'is in quotation marks, which count as part of the key'],
    ['AUTH_API_KEY', `'api-key'`, 'is in quotation marks'],
    ['SEALING_KEY', `${key} `, 'has white space at its beginning or end'],
    ['AUTH_SERVICE_URL', 'http://auth_service:8000', 'has a host name with an underscore'],
    ['REDIS_URL', 'redis://redis?clster=true', 'has the parameter clster, which nothing reads'],
    ['REDIS_URL', 'redis://redis?p4ss:w0rd', 'has a parameter, which nothing reads'],
    ['COOKIE_DOMAIN', '192.0.2.7', 'is an IP address'],
    ['COOKIE_DOMAIN', 'localhost', 'is a name without a dot'],
    ['COOKIE_SECURE', 'false', 'is false outside development: the session cookies travel over plain HTTP'],
    ['RATE_LIMIT_PER_MINUTE', '49', 'is less than 50: it counts calls'],
  ])('is given for %s=%j', (name, value, says) => {
    const [warning = '', ...others] = warningsOf({ [name]: value });
    expect(others).toEqual([]);
    expect(warning).toContain(`${name} ${says}`);
    // Symptom and action: two sentences, and nothing of the value.
    expect(warning).toMatch(/\. [A-Z].*\.$/);
    expect(warning).not.toMatch(/p4ss|w0rd|signing-key|api-key|192\.0/);
  });

  it.each([
    ['REDIS_URL', 'redis://redis?cluster=true'],
    ['COOKIE_DOMAIN', 'example.org'],
    ['RATE_LIMIT_PER_MINUTE', '0'],
    ['RATE_LIMIT_PER_MINUTE', '50'],
    ['LOG_LEVEL', 'silent'],
    ['AUTH_SERVICE_URL', 'http://gateway/auth_service'],
  ])('is not given for %s=%j', (name, value) => {
    expect(warningsOf({ [name]: value })).toEqual([]);
  });
});
