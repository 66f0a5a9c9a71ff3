import { z } from 'zod';
import { readCookieDomain } from './cookie-domain.ts';
import { readCorsOrigins } from './cors-origins.ts';
import { readHttpUrl } from './http-url.ts';
import { readListenHost } from './listen-host.ts';
import { flag, optional, port, readBy, toList, wholeNumber, word } from './parse.ts';
import { readRedisPrefix } from './redis-prefix.ts';
import { readRedisUrl } from './redis-url.ts';
import { readTrustProxy } from './trust-proxy.ts';

/** Every variable that is read, and what its text has to be. A value that passes makes no library fail later. */
export const Environment = z.object({
  NODE_ENV: optional(z.string()),
  DJANGO_JWT_SIGNING_KEY: optional(z.string()),
  DJANGO_JWT_SIGNING_KEY_PREVIOUS: optional(z.string().transform(toList)),
  AUTH_SERVICE_URL: optional(readBy(readHttpUrl)),
  AUTH_API_KEY: optional(
    z.string().regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces, as an HTTP header takes it'),
  ),
  JWT_ALGORITHM: optional(word(['HS256', 'HS384', 'HS512'], 'expected HS256, HS384 or HS512')),
  TOKEN_REFRESH_THRESHOLD: optional(wholeNumber(0, 604_800)),
  TOKEN_VALIDATION: optional(word(['local', 'remote'], 'expected local or remote')),
  HOST: optional(readBy(readListenHost)),
  PORT: optional(port),
  OPS_HOST: optional(readBy(readListenHost)),
  OPS_PORT: optional(port),
  CORS_ORIGINS: optional(readBy(readCorsOrigins)),
  COOKIE_DOMAIN: optional(readBy(readCookieDomain)),
  COOKIE_SECURE: optional(flag),
  SEALING_KEY: optional(z.string()),
  REDIS_URL: optional(
    readBy((text) => {
      const reading = readRedisUrl(text);
      return 'fault' in reading ? reading : { value: text };
    }),
  ),
  REDIS_PREFIX: optional(readBy(readRedisPrefix)),
  DIRECTORY_FRESH_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_STALE_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_STALE_ON_ERROR_SECONDS: optional(wholeNumber(0, 604_800)),
  DIRECTORY_NOT_FOUND_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_ROLES_FRESH_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_ROLES_STALE_ON_ERROR_SECONDS: optional(wholeNumber(0, 604_800)),
  DIRECTORY_MAX_ENTRIES: optional(wholeNumber(1, 10_000_000)),
  RATE_LIMIT_PER_MINUTE: optional(wholeNumber(0, 1_000_000)),
  TRUST_PROXY: optional(readBy(readTrustProxy)),
  LOG_LEVEL: optional(
    word(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'expected fatal, error, warn, info, debug, trace or silent',
    ),
  ),
});

export type Variable = keyof z.input<typeof Environment>;

/** The name of every variable that is read. */
export const variables = Object.keys(Environment.shape) as readonly Variable[];
