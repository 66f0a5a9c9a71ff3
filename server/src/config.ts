import type { KeyObject } from 'node:crypto';
import type { SystemRole } from '@auth-bff/shared';
import {
  crossCheck,
  defaultHost,
  defaultOpsPort,
  defaultPort,
  type Fault,
  isDevelopmentIn,
  isRemoteIn,
} from './config/cross-checks.ts';
import { Environment, variables } from './config/environment.ts';
import { fileVariableOf, readSecretFiles } from './config/secret-files.ts';
import { textOf } from './config/parse.ts';
import { defaultRedisPrefix } from './config/redis-prefix.ts';
import type { ServiceGrant } from './config/service-keys.ts';
import { type ConfigWarning, findWarnings, toWarningText } from './config/warnings.ts';
import type { LogLevel } from './platform/log-level.ts';
import type { DirectoryLifetimes } from './directory/directory.ts';

export { variables } from './config/environment.ts';
export { fileVariables } from './config/secret-files.ts';
export type { ServiceGrant } from './config/service-keys.ts';
export type { ConfigWarning } from './config/warnings.ts';

/** The validated configuration. */
export type Config = {
  isDevelopment: boolean;
  /** The current key, then the previous ones. Empty with remote validation. */
  signingKeys: string[];
  algorithm: 'HS256' | 'HS384' | 'HS512';
  /** Without a trailing slash. */
  authServiceUrl: string;
  /** How browsers reach the Auth Service. Without a trailing slash. */
  authServicePublicUrl: string;
  /** Where the links of password-reset mails lead: to the BFF at `publicUrl`, which redirects to `pageUrl`. Null: to the Auth Service. */
  passwordReset: { publicUrl: string; pageUrl: string } | null;
  apiKey: string;
  refreshThresholdSeconds: number;
  tokenValidation: 'local' | 'remote';
  host: string;
  port: number;
  opsHost: string;
  /** Null: there is no operator's listener, because `OPS_PORT` is 0. A test may set 0: any free port. */
  opsPort: number | null;
  corsOrigins: string[];
  cookieDomain: string | null;
  cookieSecure: boolean;
  /** Input of the key derivation for all sealing keys. */
  sealingSecret: string;
  /** Signs assertions. Null: a key that derives from `sealingSecret`. */
  assertionKey: KeyObject | null;
  /** A public key that still verifies assertions. */
  previousAssertionKey: KeyObject | null;
  assertionIssuer: string;
  redisUrl: string | null;
  /** The password of the sentinels, as opposed to that of Redis. */
  redisSentinelPassword: string | null;
  /** Prefix of every key in Redis. */
  redisPrefix: string;
  directory: DirectoryLifetimes;
  /** Procedure calls. 0 disables the limit. */
  rateLimitPerMinute: number;
  /** The roles that manage the turns of a system. Systems without one have the default of `assignment-rules.ts`. */
  assignmentRoles: readonly SystemRole[];
  /** Whether `/bff/docs` is served. */
  hasApiDocs: boolean;
  /** Services that may call without a person. */
  services: readonly ServiceGrant[];
  /** The staff account for lookups on behalf of services. Null: they cannot call what needs one. */
  serviceAccount: { email: string; password: string } | null;
  trustProxy: boolean | number | string[];
  logLevel: LogLevel;
};

/** The environment is invalid. The message names every faulty variable, but no value. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(
      [
        'The configuration is invalid. Correct these environment variables:',
        ...faults.map(({ variable, fault }) => `  ${variable}: ${fault}`),
      ].join('\n'),
    );
    this.faults = faults;
  }
}

type Env = Record<string, string | undefined>;

/**
 * Reads the environment and the files of secrets. Throws a ConfigError that lists all faults. Source: the guide's "Environment
 * Variables".
 */
export const loadConfig = (given: Env): Config => {
  const { env, faults: fileFaults, fromFiles } = readSecretFiles(given);
  const result = Environment.safeParse(env);
  const valueFaults = [
    ...(result.error?.issues ?? []).map((issue) => ({ variable: String(issue.path[0]), fault: issue.message })),
    ...crossCheck(env),
  ].map(({ variable, fault }) => ({
    variable,
    fault: fromFiles.has(variable) ? `${fault} (it is read from ${fileVariableOf(variable)})` : fault,
  }));
  const faults = [...fileFaults, ...valueFaults];
  if (!result.success || faults.length > 0) throw new ConfigError(faults);

  const read = result.data;
  // Keys are not trimmed, because the Auth Service does not trim its own key either.
  const signingKey = textOf(env, 'DJANGO_JWT_SIGNING_KEY');
  return {
    isDevelopment: isDevelopmentIn(env),
    signingKeys:
      isRemoteIn(env) || signingKey === undefined ? [] : [signingKey, ...(read.DJANGO_JWT_SIGNING_KEY_PREVIOUS ?? [])],
    algorithm: read.JWT_ALGORITHM ?? 'HS256',
    authServiceUrl: read.AUTH_SERVICE_URL ?? '',
    authServicePublicUrl: read.AUTH_SERVICE_PUBLIC_URL ?? read.AUTH_SERVICE_URL ?? '',
    passwordReset:
      read.PUBLIC_URL === undefined || read.PASSWORD_RESET_URL === undefined
        ? null
        : { publicUrl: read.PUBLIC_URL, pageUrl: read.PASSWORD_RESET_URL },
    apiKey: read.AUTH_API_KEY ?? '',
    refreshThresholdSeconds: read.TOKEN_REFRESH_THRESHOLD ?? 300,
    tokenValidation: read.TOKEN_VALIDATION ?? 'local',
    host: read.HOST ?? defaultHost,
    port: read.PORT ?? defaultPort,
    opsHost: read.OPS_HOST ?? defaultHost,
    opsPort: read.OPS_PORT === 0 ? null : (read.OPS_PORT ?? defaultOpsPort),
    corsOrigins: read.CORS_ORIGINS ?? [],
    cookieDomain: read.COOKIE_DOMAIN ?? null,
    cookieSecure: read.COOKIE_SECURE ?? true,
    sealingSecret: textOf(env, 'SEALING_KEY') ?? signingKey ?? '',
    assertionKey: read.ASSERTION_KEY ?? null,
    previousAssertionKey: read.ASSERTION_KEY_PREVIOUS ?? null,
    assertionIssuer: read.ASSERTION_ISSUER ?? 'auth-bff',
    redisUrl: read.REDIS_URL ?? null,
    redisSentinelPassword: read.REDIS_SENTINEL_PASSWORD ?? null,
    redisPrefix: read.REDIS_PREFIX ?? defaultRedisPrefix,
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
    rateLimitPerMinute: read.RATE_LIMIT_PER_MINUTE ?? 6000,
    assignmentRoles: read.ASSIGNMENT_ROLES ?? [],
    hasApiDocs: read.API_DOCS ?? false,
    services: read.SERVICE_KEYS ?? [],
    serviceAccount:
      read.SERVICE_ACCOUNT_EMAIL === undefined || read.SERVICE_ACCOUNT_PASSWORD === undefined
        ? null
        : { email: read.SERVICE_ACCOUNT_EMAIL, password: read.SERVICE_ACCOUNT_PASSWORD },
    trustProxy: read.TRUST_PROXY ?? false,
    logLevel: read.LOG_LEVEL ?? 'info',
  };
};

/** Valid settings that need attention. Unknown variables that resemble ours are found only with `env`. */
export const listConfigWarnings = (config: Config, env: Env = {}): ConfigWarning[] =>
  findWarnings({ config, env, variables });

/** The same as texts, for the log at start. */
export const configWarnings = (config: Config, env: Env = {}): string[] =>
  listConfigWarnings(config, env).map(toWarningText);
