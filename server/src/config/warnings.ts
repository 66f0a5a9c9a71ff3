import { isIPv4 } from 'node:net';
import { maxCallsPerBatch } from '@auth-bff/shared';
import { policy } from '../api/policy.ts';
import type { Config } from '../config.ts';
import { findMisnamed, toSecret } from './misnamed.ts';
import { textOf } from './parse.ts';
import { parseRedisUrl } from '../platform/redis/redis-url.ts';
import { fileVariableOf } from './secret-files.ts';

/** A valid setting that needs attention. Texts contain no values of secrets. */
export type ConfigWarning = {
  /** The variable. */
  name: string;
  /** A clause that continues after the name, without a full stop. */
  message: string;
  /** The action to take: a sentence without a full stop. */
  fix: string;
};

export type WarningsOptions = {
  config: Config;
  env: Record<string, string | undefined>;
  /** Names of all known variables. */
  variables: readonly string[];
};

/** Describes what a file or a shell may have added to a key. */
const describeEdges = (key: string): string | null => {
  if (key !== key.trim()) return 'has leading or trailing white space, which counts as part of the key';
  return /^(["']).*\1$/s.test(key) ? 'has quotation marks around it, which count as part of the key' : null;
};

const keyWarnings = ({ config }: WarningsOptions): ConfigWarning[] => {
  const keys: Array<[name: string, key: string | undefined]> = [
    ['DJANGO_JWT_SIGNING_KEY', config.signingKeys[0]],
    ['AUTH_API_KEY', config.apiKey],
    // Without SEALING_KEY, the secret is the signing key.
    ['SEALING_KEY', config.sealingSecret === config.signingKeys[0] ? undefined : config.sealingSecret],
    ['SERVICE_ACCOUNT_PASSWORD', config.serviceAccount?.password],
  ];
  return keys.flatMap(([name, key]) => {
    const message = key === undefined ? null : describeEdges(key);
    if (message === null) return [];
    const fix =
      name === 'SEALING_KEY'
        ? 'Remove them, or set exactly the same value in all replicas'
        : 'Remove them, unless they are part of the key at the Auth Service as well';
    return [{ name, message, fix }];
  });
};

const redisWarnings = ({ config }: WarningsOptions): ConfigWarning[] => {
  const parsed = config.redisUrl === null ? null : parseRedisUrl(config.redisUrl);
  const target = parsed === null || 'fault' in parsed ? null : parsed.value;
  const unusedPassword: ConfigWarning = {
    name: 'REDIS_SENTINEL_PASSWORD',
    message: 'is set, but REDIS_URL names no sentinels',
    fix: 'Unset it, or set REDIS_URL to redis+sentinel://…',
  };
  const isUnused = config.redisSentinelPassword !== null && target?.kind !== 'sentinel';
  const unknown = (target?.unknownParameters ?? []).map((parameter) => ({
    name: 'REDIS_URL',
    message: `has ${parameter === null ? 'an unknown query parameter' : `the unknown query parameter ${parameter}`}, which is ignored`,
    fix: 'Remove it: the supported parameters are cluster=true and, for TLS, ca, cert and key',
  }));
  return isUnused ? [unusedPassword, ...unknown] : unknown;
};

const addressWarnings = ({ config }: WarningsOptions): ConfigWarning[] =>
  new URL(config.authServiceUrl).hostname.includes('_')
    ? [
        {
          name: 'AUTH_SERVICE_URL',
          message: 'has a host name with an underscore, for which Django responds with 400 to every request',
          fix: 'Use a host name without an underscore, for example a network alias of the container',
        },
      ]
    : [];

const cookieWarnings = ({ config }: WarningsOptions): ConfigWarning[] => {
  const { cookieDomain, cookieSecure, isDevelopment } = config;
  const warnings: ConfigWarning[] = [];
  if (!cookieSecure && !isDevelopment) {
    warnings.push({
      name: 'COOKIE_SECURE',
      message: 'is false outside development, so browsers send the session cookies over plain HTTP',
      fix: 'Set it to true, or unset it',
    });
  }
  if (cookieDomain !== null && (isIPv4(cookieDomain) || !cookieDomain.includes('.'))) {
    warnings.push({
      name: 'COOKIE_DOMAIN',
      message: `is ${isIPv4(cookieDomain) ? 'an IP address' : 'a name without a dot'}, so browsers limit the cookies to this host or refuse them`,
      fix: 'Unset it, and the cookies belong to the host of the BFF',
    });
  }
  return warnings;
};

const assertionWarnings = ({ config }: WarningsOptions): ConfigWarning[] => {
  const { assertionKey, sealingSecret, signingKeys } = config;
  return assertionKey === null && sealingSecret === signingKeys[0]
    ? [
        {
          name: 'SEALING_KEY',
          message:
            'is not set, so the key that signs assertions derives from DJANGO_JWT_SIGNING_KEY, and everybody who has that key can sign assertions',
          fix: 'Set SEALING_KEY to a secret of its own, the same in all replicas',
        },
      ]
    : [];
};

const limitWarnings = ({ config }: WarningsOptions): ConfigWarning[] =>
  config.rateLimitPerMinute > 0 && config.rateLimitPerMinute < maxCallsPerBatch
    ? [
        {
          name: 'RATE_LIMIT_PER_MINUTE',
          message: `is less than ${maxCallsPerBatch}, so a full batch of the client always exceeds the rate limit`,
          fix: `Set it to ${maxCallsPerBatch} or more, or unset it for the default of 6000`,
        },
      ]
    : [];

const resetPageVariables = ['PUBLIC_URL', 'PASSWORD_RESET_URL'] as const;

/** Links in reset mails can lead to the BFF only at the root of its host, because the Auth Service builds them from a host. */
const resetLinkWarnings = ({ config, env }: WarningsOptions): ConfigWarning[] => {
  const isSet = (name: string) => (env[name] ?? '').trim() !== '';
  const set = resetPageVariables.find(isSet);
  const missing = resetPageVariables.find((name) => !isSet(name));
  if (missing !== undefined && set !== undefined) {
    return [
      {
        name: set,
        message: `is set without ${missing}, so links in password-reset mails lead to the Auth Service and not to a page of your frontend`,
        fix: `Set ${missing} as well, or unset ${set}`,
      },
    ];
  }
  if (config.passwordReset === null || new URL(config.passwordReset.publicUrl).pathname === '/') return [];
  return [
    {
      name: 'PUBLIC_URL',
      message: 'has a path, which links in password-reset mails cannot have',
      fix: 'Let the proxy route /api/v1/users/password/reset and /employees/reset-password/ on this host to the BFF, or use a host without a path',
    },
  ];
};

/** Services with calls that fail without a service account. */
const serviceWarnings = ({ config }: WarningsOptions): ConfigWarning[] => {
  const { services, serviceAccount } = config;
  if (serviceAccount !== null) return [];
  const needing = services.flatMap(({ name, procedures }) => {
    const needs = procedures.filter((path) => policy[path]?.service === 'account');
    return needs.length === 0 ? [] : [`${name} ${needs.join(' and ')}`];
  });
  if (needing.length === 0) return [];
  return [
    {
      name: 'SERVICE_KEYS',
      message: `grants ${needing.join(', ')}, but there is no service account, so these calls fail with insufficient_permissions`,
      fix: 'Set SERVICE_ACCOUNT_EMAIL and SERVICE_ACCOUNT_PASSWORD to those of a staff account for services',
    },
  ];
};

const misnamedWarnings = ({ env, variables }: WarningsOptions): ConfigWarning[] =>
  findMisnamed(env, variables).map(({ name, meant, isFileOfNoSecret }) => {
    const secret = toSecret(meant);
    const given = [meant, secret, fileVariableOf(secret)].find((one) => one !== name && textOf(env, one) !== undefined);
    return {
      name,
      message: isFileOfNoSecret
        ? `is set, but is ignored: only secrets are read from files, and ${meant} is not a secret`
        : 'is set, but is not a variable of this service',
      fix: given === undefined ? `Set ${meant} instead` : `Remove it if it was meant as ${given}, which is set as well`,
    };
  });

/** Warnings for the log at start and for the doctor. */
export const findWarnings = (options: WarningsOptions): ConfigWarning[] => [
  ...misnamedWarnings(options),
  ...keyWarnings(options),
  ...addressWarnings(options),
  ...redisWarnings(options),
  ...cookieWarnings(options),
  ...assertionWarnings(options),
  ...limitWarnings(options),
  ...resetLinkWarnings(options),
  ...serviceWarnings(options),
];

export const toWarningText = ({ name, message, fix }: ConfigWarning): string => `${name} ${message}. ${fix}.`;
