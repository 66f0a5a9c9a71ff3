import { z } from 'zod';
import { parseAssertionKey, parsePreviousAssertionKey } from './assertion-key.ts';
import { parseAssignmentRoles } from './assignment-roles.ts';
import { parseCorsOrigins } from './cors-origins.ts';
import { parseHttpUrl } from './http-url.ts';
import { parsePageUrl } from './page-url.ts';
import { parseListenHost } from './listen-host.ts';
import { flag, optional, type Parsed, parsedBy, port, toList, wholeNumber, word } from './parse.ts';
import { parseRedisPrefix } from './redis-prefix.ts';
import { logLevels } from '../platform/log-level.ts';
import { checkRedisUrl } from './redis-url.ts';
import { parseServiceKeys } from './service-keys.ts';
import { parseTrustProxy } from './trust-proxy.ts';

/** As the cookie library requires (RFC 1034, section 3.5): labels neither begin nor end with a hyphen. */
const domainName = /^[a-z\d]([a-z\d-]{0,61}[a-z\d])?(\.[a-z\d]([a-z\d-]{0,61}[a-z\d])?)*$/;

const domainFaults: ReadonlyArray<[pattern: RegExp, fault: string]> = [
  [/\//, 'without a scheme or path'],
  [/:/, 'without a port'],
  [/\.$/, 'without a trailing dot'],
  [/\P{ASCII}/u, 'in its ASCII form (xn--…)'],
  [/_/, 'without underscores'],
  [/[^.]{64}/, 'with at most 63 characters between two dots'],
];

/** COOKIE_DOMAIN, in lower case and without the leading dot that older browsers required. */
const parseCookieDomain = (text: string): Parsed<string> => {
  const domain = text.replace(/^\./, '').toLowerCase();
  if (domainName.test(domain) && domain.length <= 253) return { value: domain };
  const fault = domainFaults.find(([pattern]) => pattern.test(domain))?.[1];
  return { fault: `expected a domain name such as example.org${fault === undefined ? '' : `, ${fault}`}` };
};

/** All variables and their formats. A valid value must not make a library fail later. */
export const Environment = z.object({
  NODE_ENV: optional(z.string()),
  DJANGO_JWT_SIGNING_KEY: optional(z.string()),
  DJANGO_JWT_SIGNING_KEY_PREVIOUS: optional(z.string().transform(toList)),
  AUTH_SERVICE_URL: optional(parsedBy(parseHttpUrl)),
  AUTH_SERVICE_PUBLIC_URL: optional(parsedBy(parseHttpUrl)),
  PUBLIC_URL: optional(parsedBy(parseHttpUrl)),
  PASSWORD_RESET_URL: optional(parsedBy(parsePageUrl)),
  AUTH_API_KEY: optional(
    z.string().regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces, as required for an HTTP header'),
  ),
  JWT_ALGORITHM: optional(word(['HS256', 'HS384', 'HS512'], 'expected HS256, HS384 or HS512')),
  TOKEN_REFRESH_THRESHOLD: optional(wholeNumber(0, 604_800)),
  TOKEN_VALIDATION: optional(word(['local', 'remote'], 'expected local or remote')),
  HOST: optional(parsedBy(parseListenHost)),
  PORT: optional(port),
  OPS_HOST: optional(parsedBy(parseListenHost)),
  OPS_PORT: optional(port),
  CORS_ORIGINS: optional(parsedBy(parseCorsOrigins)),
  COOKIE_DOMAIN: optional(parsedBy(parseCookieDomain)),
  COOKIE_SECURE: optional(flag),
  SEALING_KEY: optional(z.string()),
  ASSERTION_KEY: optional(parsedBy(parseAssertionKey)),
  ASSERTION_KEY_PREVIOUS: optional(parsedBy(parsePreviousAssertionKey)),
  ASSERTION_ISSUER: optional(
    z
      .string()
      .trim()
      .regex(/^[\x21-\x7e]{1,200}$/, 'expected 1 to 200 printable ASCII characters without spaces'),
  ),
  REDIS_URL: optional(parsedBy(checkRedisUrl)),
  REDIS_SENTINEL_PASSWORD: optional(z.string()),
  REDIS_PREFIX: optional(parsedBy(parseRedisPrefix)),
  DIRECTORY_FRESH_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_STALE_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_STALE_ON_ERROR_SECONDS: optional(wholeNumber(0, 604_800)),
  DIRECTORY_NOT_FOUND_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_ROLES_FRESH_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_ROLES_STALE_ON_ERROR_SECONDS: optional(wholeNumber(0, 604_800)),
  DIRECTORY_MAX_ENTRIES: optional(wholeNumber(1, 10_000_000)),
  RATE_LIMIT_PER_MINUTE: optional(wholeNumber(0, 1_000_000)),
  ASSIGNMENT_ROLES: optional(parsedBy(parseAssignmentRoles)),
  API_DOCS: optional(flag),
  SERVICE_KEYS: optional(parsedBy(parseServiceKeys)),
  SERVICE_ACCOUNT_EMAIL: optional(
    z
      .string()
      .trim()
      .max(254, 'expected an e-mail address of at most 254 characters')
      .regex(/^[^\s@]+@[^\s@]+$/, 'expected the e-mail address of a staff account'),
  ),
  SERVICE_ACCOUNT_PASSWORD: optional(z.string()),
  TRUST_PROXY: optional(parsedBy(parseTrustProxy)),
  LOG_LEVEL: optional(word(logLevels, 'expected fatal, error, warn, info, debug, trace or silent')),
});

export type Variable = keyof z.input<typeof Environment>;

/** Names of all variables. */
export const variables = Object.keys(Environment.shape) as readonly Variable[];
