import { isIPv4 } from 'node:net';
import { maxCallsPerBatch } from '@auth-bff/shared';
import type { Config } from '../config.ts';
import { findMisnamed } from './misnamed.ts';
import { readRedisUrl } from './redis-url.ts';

/** What works and should be looked at. No text in it is a value. */
export type ConfigWarning = {
  /** The variable that it is about. */
  name: string;
  /** A clause that goes on from the name, without its full stop. */
  says: string;
  /** What to do about it: a sentence without its full stop. */
  todo: string;
};

export type WarningsOptions = {
  config: Config;
  env: Record<string, string | undefined>;
  /** The name of every variable that is read. */
  variables: readonly string[];
};

/** What a file, a shell or an env file adds to a key. */
const edgesOf = (key: string): string | null => {
  if (key !== key.trim()) return 'has white space at its beginning or end, which counts as part of the key';
  return /^(["']).*\1$/s.test(key) ? 'is in quotation marks, which count as part of the key' : null;
};

const keyWarnings = ({ config, env }: WarningsOptions): ConfigWarning[] => {
  const keys: Array<[name: string, key: string | undefined]> = [
    ['DJANGO_JWT_SIGNING_KEY', config.signingKeys[0]],
    ['AUTH_API_KEY', config.apiKey],
    ['SEALING_KEY', env.SEALING_KEY?.trim() === '' ? undefined : env.SEALING_KEY],
  ];
  return keys.flatMap(([name, key]) => {
    const says = key === undefined ? null : edgesOf(key);
    if (says === null) return [];
    const todo =
      name === 'SEALING_KEY'
        ? 'Set exactly the same key in all replicas, or take that off'
        : 'Take that off, unless the Auth Service has the key with it as well';
    return [{ name, says, todo }];
  });
};

const redisWarnings = ({ config }: WarningsOptions): ConfigWarning[] => {
  const reading = config.redisUrl === null ? null : readRedisUrl(config.redisUrl);
  if (reading === null || 'fault' in reading) return [];
  return reading.value.unknownParameters.map((parameter) => ({
    name: 'REDIS_URL',
    says: `has ${parameter === null ? 'a parameter' : `the parameter ${parameter}`}, which nothing reads`,
    todo: 'Take it out: cluster=true is the only one',
  }));
};

const addressWarnings = ({ config }: WarningsOptions): ConfigWarning[] =>
  new URL(config.authServiceUrl).hostname.includes('_')
    ? [
        {
          name: 'AUTH_SERVICE_URL',
          says: 'has a host name with an underscore, and Django answers 400 to every request with such a Host',
          todo: 'Give the Auth Service a name without one, such as an alias in the network of its container',
        },
      ]
    : [];

const cookieWarnings = ({ config }: WarningsOptions): ConfigWarning[] => {
  const { cookieDomain, cookieSecure, isDevelopment } = config;
  const warnings: ConfigWarning[] = [];
  if (!cookieSecure && !isDevelopment) {
    warnings.push({
      name: 'COOKIE_SECURE',
      says: 'is false outside development: the session cookies travel over plain HTTP',
      todo: 'Set it to true, or unset it',
    });
  }
  if (cookieDomain !== null && (isIPv4(cookieDomain) || !cookieDomain.includes('.'))) {
    warnings.push({
      name: 'COOKIE_DOMAIN',
      says: `is ${isIPv4(cookieDomain) ? 'an IP address' : 'a name without a dot'}, whose cookies browsers keep for that very host, or refuse`,
      todo: 'Unset it: without it the cookies belong to the host of the BFF',
    });
  }
  return warnings;
};

const limitWarnings = ({ config }: WarningsOptions): ConfigWarning[] =>
  config.rateLimitPerMinute > 0 && config.rateLimitPerMinute < maxCallsPerBatch
    ? [
        {
          name: 'RATE_LIMIT_PER_MINUTE',
          says: `is less than ${maxCallsPerBatch}: it counts calls, and a full batch of the client is always refused`,
          todo: `Set it to ${maxCallsPerBatch} or more, or unset it for the default of 6000`,
        },
      ]
    : [];

const misnamedWarnings = ({ env, variables }: WarningsOptions): ConfigWarning[] =>
  findMisnamed(env, variables).map(({ name, meant }) => ({
    name,
    says: 'is set, and nothing reads it',
    todo:
      (env[meant] ?? '').trim() === ''
        ? `Set ${meant}, which is its name here`
        : `Take it out if it was meant for ${meant}, which is set as well`,
  }));

/** What is allowed, and worth a warning at start and in the doctor. */
export const findWarnings = (options: WarningsOptions): ConfigWarning[] => [
  ...misnamedWarnings(options),
  ...keyWarnings(options),
  ...addressWarnings(options),
  ...redisWarnings(options),
  ...cookieWarnings(options),
  ...limitWarnings(options),
];

export const toWarningText = ({ name, says, todo }: ConfigWarning): string => `${name} ${says}. ${todo}.`;
