import { isIP } from 'node:net';
import { z } from 'zod';
import type { DirectoryLifetimes } from './directory/directory.ts';
import { minKeyBytes } from './token/key-ring.ts';

const unset = (value: unknown) => (typeof value === 'string' && value.trim() === '' ? undefined : value);
const optional = <Schema extends z.ZodType>(schema: Schema) => z.preprocess(unset, schema.optional());
const list = (value: string) =>
  value
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');

const wholeNumber = (from: number, to: number) =>
  z
    .string()
    .trim()
    .regex(/^\d{1,9}$/, `expected a whole number from ${from} to ${to}`)
    .transform(Number)
    .refine((value) => value >= from && value <= to, `expected a whole number from ${from} to ${to}`);

const word = <const Words extends readonly string[]>(words: Words, error: string) =>
  z.string().trim().pipe(z.enum(words, error));

const flag = word(['true', 'false'], 'expected true or false').transform((value) => value === 'true');

// A star is a letter of a host name to URL, and would be a pattern to whoever sets it.
const isOrigin = (value: string) =>
  URL.canParse(value) && new URL(value).origin === value && /^https?:[^*]+$/.test(value);

const httpUrl = z
  .string()
  .trim()
  .refine((value) => URL.canParse(value) && /^https?:$/.test(new URL(value).protocol), {
    error: 'expected an http or https address, such as http://auth-service:8000',
  })
  .refine((value) => !URL.canParse(value) || (new URL(value).username === '' && new URL(value).password === ''), {
    error: 'expected an address without a user name or password in it',
  })
  // URL tells no difference between an empty query and none, but what is put behind it would be lost in it.
  .refine((value) => !/[?#]/.test(value), {
    error: 'expected an address without a query or fragment',
  })
  .transform((value) => value.replace(/\/+$/, ''));

const redisUrl = z
  .string()
  .trim()
  .refine((value) => URL.canParse(value) && /^rediss?:$/.test(new URL(value).protocol), {
    error: 'expected an address such as redis://redis:6379 or rediss://…',
  });

/** An IP address, or a network of them (10.0.0.0/8). */
const isNetwork = (value: string) => {
  const [address = '', prefix = '1', ...rest] = value.split('/');
  const bits = { 4: 32, 6: 128 }[isIP(address)] ?? 0;
  return rest.length === 0 && /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits;
};

const trustProxy = z
  .string()
  .trim()
  .transform((value): boolean | number | string[] =>
    value === 'true' ? true : value === 'false' ? false : /^\d+$/.test(value) ? Number(value) : list(value),
  )
  .refine((value) => !Array.isArray(value) || value.every(isNetwork), {
    error: 'expected true, false, a number of proxies, or addresses of proxies, comma-separated (10.0.0.0/8)',
  });

const Environment = z.object({
  NODE_ENV: optional(z.string()),
  DJANGO_JWT_SIGNING_KEY: optional(z.string()),
  DJANGO_JWT_SIGNING_KEY_PREVIOUS: optional(z.string().transform(list)),
  AUTH_SERVICE_URL: optional(httpUrl),
  AUTH_API_KEY: optional(
    z.string().regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces, as an HTTP header takes it'),
  ),
  JWT_ALGORITHM: optional(word(['HS256', 'HS384', 'HS512'], 'expected HS256, HS384 or HS512')),
  TOKEN_REFRESH_THRESHOLD: optional(wholeNumber(0, 604_800)),
  TOKEN_VALIDATION: optional(word(['local', 'remote'], 'expected local or remote')),
  HOST: optional(z.string().trim()),
  PORT: optional(wholeNumber(0, 65_535)),
  OPS_HOST: optional(z.string().trim()),
  OPS_PORT: optional(wholeNumber(0, 65_535)),
  CORS_ORIGINS: optional(
    z
      .string()
      .transform(list)
      .refine((origins) => origins.every(isOrigin), {
        error:
          'expected origins, comma-separated, such as https://tts.example.org: scheme, host and port, nothing more',
      }),
  ),
  COOKIE_DOMAIN: optional(
    z
      .string()
      .trim()
      .regex(/^\.?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*$/, 'expected a domain name such as example.org')
      .transform((domain) => domain.replace(/^\./, '')),
  ),
  COOKIE_SECURE: optional(flag),
  SEALING_KEY: optional(z.string()),
  REDIS_URL: optional(redisUrl),
  DIRECTORY_FRESH_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_STALE_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_STALE_ON_ERROR_SECONDS: optional(wholeNumber(0, 604_800)),
  DIRECTORY_NOT_FOUND_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_ROLES_FRESH_SECONDS: optional(wholeNumber(0, 86_400)),
  DIRECTORY_ROLES_STALE_ON_ERROR_SECONDS: optional(wholeNumber(0, 604_800)),
  DIRECTORY_MAX_ENTRIES: optional(wholeNumber(1, 10_000_000)),
  RATE_LIMIT_PER_MINUTE: optional(wholeNumber(0, 1_000_000)),
  TRUST_PROXY: optional(trustProxy),
  LOG_LEVEL: optional(
    word(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'expected fatal, error, warn, info, debug, trace or silent',
    ),
  ),
});

type Variable = keyof z.input<typeof Environment>;

/** The name of every variable that is read. */
export const variables: readonly string[] = Object.keys(Environment.shape);

/** Everything that the environment decides, read once. */
export type Config = {
  isDevelopment: boolean;
  /** The current key, then older ones that are still accepted. Empty where tokens are validated remotely. */
  signingKeys: string[];
  algorithm: 'HS256' | 'HS384' | 'HS512';
  /** Without a trailing slash. */
  authServiceUrl: string;
  apiKey: string;
  refreshThresholdSeconds: number;
  tokenValidation: 'local' | 'remote';
  host: string;
  port: number;
  opsHost: string;
  opsPort: number;
  corsOrigins: string[];
  cookieDomain: string | null;
  cookieSecure: boolean;
  /** What every sealing key is derived from. */
  sealingSecret: string;
  redisUrl: string | null;
  directory: DirectoryLifetimes;
  rateLimitPerMinute: number;
  trustProxy: boolean | number | string[];
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
};

/** The environment cannot be served from. The message names every variable at fault, and no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: ReadonlyArray<{ variable: string; fault: string }>;

  constructor(faults: ReadonlyArray<{ variable: string; fault: string }>) {
    super(
      [
        'The configuration is not complete. Set these environment variables:',
        ...faults.map(({ variable, fault }) => `  ${variable}: ${fault}`),
      ].join('\n'),
    );
    this.faults = faults;
  }
}

/** Reads the configuration. Throws ConfigError with every fault at once. Source: the guide's "Environment Variables". */
export const loadConfig = (env: Record<string, string | undefined>): Config => {
  const result = Environment.safeParse(env);
  const faults: Array<{ variable: string; fault: string }> = (result.error?.issues ?? []).map((issue) => ({
    variable: String(issue.path[0]),
    fault: issue.message,
  }));

  // Checks across variables read the environment itself: zod skips its own once any field has failed.
  // Keys are taken as they stand: the Auth Service does not trim its own either.
  const value = (variable: Variable) => unset(env[variable]) as string | undefined;
  const require = (variable: Variable, what: string) => {
    if (value(variable) === undefined) faults.push({ variable, fault: `is not set; expected ${what}` });
  };
  const isDevelopment = env.NODE_ENV === 'development';
  const isRemote = value('TOKEN_VALIDATION')?.trim() === 'remote';
  if (isRemote) require('SEALING_KEY', `a secret of ${minKeyBytes} bytes or more (TOKEN_VALIDATION is remote)`);
  else require('DJANGO_JWT_SIGNING_KEY', 'the key shared with the Auth Service');
  require('AUTH_SERVICE_URL', 'the address of the Auth Service, such as http://auth-service:8000');
  require('AUTH_API_KEY', 'the key for the internal endpoints of the Auth Service');

  const requireLength = (variable: Variable, key: string, what = 'is') => {
    const bytes = Buffer.byteLength(key);
    if (isDevelopment || bytes >= minKeyBytes) return;
    faults.push({
      variable,
      fault: `${what} ${bytes} bytes long; expected ${minKeyBytes} or more outside development`,
    });
  };
  const signingKey = value('DJANGO_JWT_SIGNING_KEY');
  const previousKeys = list(value('DJANGO_JWT_SIGNING_KEY_PREVIOUS') ?? '');
  const sealingKey = value('SEALING_KEY');
  if (!isRemote) {
    if (signingKey !== undefined) requireLength('DJANGO_JWT_SIGNING_KEY', signingKey);
    for (const [index, key] of previousKeys.entries()) {
      requireLength('DJANGO_JWT_SIGNING_KEY_PREVIOUS', key, `key ${index + 1} is`);
    }
  }
  if (sealingKey !== undefined) requireLength('SEALING_KEY', sealingKey);

  if (!result.success || faults.length > 0) throw new ConfigError(faults);
  const read = result.data;
  return {
    isDevelopment,
    signingKeys: isRemote || signingKey === undefined ? [] : [signingKey, ...previousKeys],
    algorithm: read.JWT_ALGORITHM ?? 'HS256',
    authServiceUrl: read.AUTH_SERVICE_URL ?? '',
    apiKey: read.AUTH_API_KEY ?? '',
    refreshThresholdSeconds: read.TOKEN_REFRESH_THRESHOLD ?? 300,
    tokenValidation: read.TOKEN_VALIDATION ?? 'local',
    host: read.HOST ?? '127.0.0.1',
    port: read.PORT ?? 4000,
    opsHost: read.OPS_HOST ?? '127.0.0.1',
    opsPort: read.OPS_PORT ?? 9464,
    corsOrigins: read.CORS_ORIGINS ?? [],
    cookieDomain: read.COOKIE_DOMAIN ?? null,
    cookieSecure: read.COOKIE_SECURE ?? true,
    sealingSecret: sealingKey ?? signingKey ?? '',
    redisUrl: read.REDIS_URL ?? null,
    directory: {
      people: {
        freshSeconds: read.DIRECTORY_FRESH_SECONDS ?? 60,
        staleSeconds: read.DIRECTORY_STALE_SECONDS ?? 300,
        staleOnErrorSeconds: read.DIRECTORY_STALE_ON_ERROR_SECONDS ?? 3600,
        notFoundSeconds: read.DIRECTORY_NOT_FOUND_SECONDS ?? 10,
      },
      roles: {
        freshSeconds: read.DIRECTORY_ROLES_FRESH_SECONDS ?? 15,
        staleSeconds: 0,
        staleOnErrorSeconds: read.DIRECTORY_ROLES_STALE_ON_ERROR_SECONDS ?? 600,
      },
      maxEntries: read.DIRECTORY_MAX_ENTRIES ?? 20_000,
    },
    rateLimitPerMinute: read.RATE_LIMIT_PER_MINUTE ?? 1200,
    trustProxy: read.TRUST_PROXY ?? false,
    logLevel: read.LOG_LEVEL ?? 'info',
  };
};

/** What is allowed, but worth a warning in the log at start. */
export const configWarnings = (config: Config): string[] => {
  const warnings: string[] = [];
  if (!config.cookieSecure && !config.isDevelopment) {
    warnings.push('COOKIE_SECURE is false outside development: the session cookies travel over plain HTTP.');
  }
  return warnings;
};
