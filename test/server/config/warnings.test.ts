import { describe, expect, it } from 'vitest';
import { configWarnings, loadConfig } from '../../../server/src/config.ts';

const key = 'signing-key-of-32-bytes-exactly!';
const required = {
  DJANGO_JWT_SIGNING_KEY: key,
  AUTH_SERVICE_URL: 'http://auth-service:8000',
  AUTH_API_KEY: 'internal-api-key',
  SEALING_KEY: 'sealing-key-of-at-least-32-bytes-01',
};

const warningsOf = (changes: Record<string, string>): string[] => {
  const env = { ...required, ...changes };
  return configWarnings(loadConfig(env), env);
};

describe('a configuration warning', () => {
  it.each([
    ['DJANGO_JWT_SIGNING_KEY', `${key}\n`, 'has leading or trailing white space, which counts as part of the key'],
    ['DJANGO_JWT_SIGNING_KEY', ` ${key}`, 'has leading or trailing white space'],
    ['DJANGO_JWT_SIGNING_KEY', `"${key}"`, 'has quotation marks around it, which count as part of the key'],
    ['AUTH_API_KEY', `'api-key'`, 'has quotation marks around it'],
    ['SEALING_KEY', `${key} `, 'has leading or trailing white space'],
    ['AUTH_SERVICE_URL', 'http://auth_service:8000', 'has a host name with an underscore'],
    ['REDIS_URL', 'redis://redis?clster=true', 'has the unknown query parameter clster, which is ignored'],
    ['REDIS_URL', 'redis://redis?p4ss:w0rd', 'has an unknown query parameter, which is ignored'],
    ['COOKIE_DOMAIN', '192.0.2.7', 'is an IP address'],
    ['COOKIE_DOMAIN', 'localhost', 'is a name without a dot'],
    ['COOKIE_SECURE', 'false', 'is false outside development, so browsers send the session cookies over plain HTTP'],
    [
      'PUBLIC_URL',
      'https://bff.example.org',
      'is set without PASSWORD_RESET_URL, so links in password-reset mails lead to',
    ],
    ['PASSWORD_RESET_URL', 'https://app.example.org/a', 'is set without PUBLIC_URL, so links in password-reset mails'],
    ['RATE_LIMIT_PER_MINUTE', '49', 'is less than 50, so a full batch of the client always exceeds the rate limit'],
  ])('is issued for %s=%j', (name, value, says) => {
    const [warning = '', ...others] = warningsOf({ [name]: value });
    expect(others).toEqual([]);
    expect(warning).toContain(`${name} ${says}`);
    // Symptom and action: two sentences, and nothing of the value.
    expect(warning).toMatch(/\. [A-Z].*\.$/);
    expect(warning).not.toMatch(/p4ss|w0rd|signing-key|api-key|192\.0/);
  });

  it('is issued for a PUBLIC_URL with a path, which no link in a mail can have', () => {
    const PASSWORD_RESET_URL = 'https://app.example.org/reset';
    expect(warningsOf({ PUBLIC_URL: 'https://example.org/bff', PASSWORD_RESET_URL })).toEqual([
      expect.stringMatching(/^PUBLIC_URL has a path, .*\. Let the proxy route /),
    ]);
    expect(warningsOf({ PUBLIC_URL: 'https://example.org', PASSWORD_RESET_URL })).toEqual([]);
    // White space alone is as good as nothing.
    expect(warningsOf({ PUBLIC_URL: ' ', PASSWORD_RESET_URL })).toEqual([
      expect.stringMatching(/^PASSWORD_RESET_URL is set without PUBLIC_URL/),
    ]);
  });

  it.each([
    ['AUTH_SERVICE_PUBLIC_URL', 'https://auth.example.org'],
    ['REDIS_URL', 'redis://redis?cluster=true'],
    ['COOKIE_DOMAIN', 'example.org'],
    ['RATE_LIMIT_PER_MINUTE', '0'],
    ['RATE_LIMIT_PER_MINUTE', '50'],
    ['LOG_LEVEL', 'silent'],
    ['AUTH_SERVICE_URL', 'http://gateway/auth_service'],
  ])('is not issued for %s=%j', (name, value) => {
    expect(warningsOf({ [name]: value })).toEqual([]);
  });
});
