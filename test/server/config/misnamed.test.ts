import { describe, expect, it } from 'vitest';
import { ConfigError, configWarnings, loadConfig, variables } from '../../../server/src/config.ts';
import { countTypingErrors, findMisnamed } from '../../../server/src/config/misnamed.ts';

type Environment = Record<string, string | undefined>;

const required: Environment = {
  DJANGO_JWT_SIGNING_KEY: 'signing-key-of-32-bytes-exactly!',
  AUTH_SERVICE_URL: 'http://auth-service:8000',
  AUTH_API_KEY: 'internal-api-key',
  SEALING_KEY: 'sealing-key-of-at-least-32-bytes-01',
};

const warningsOf = (changes: Environment): string[] => {
  const env = { ...required, ...changes };
  return configWarnings(loadConfig(env), env);
};

describe('an unknown variable that resembles one of ours', () => {
  it.each([
    ['REDISURL', 'REDIS_URL'],
    ['REDIS_URI', 'REDIS_URL'],
    ['REDIS_ULR', 'REDIS_URL'],
    ['REIDS_URL', 'REDIS_URL'],
    ['redis_url', 'REDIS_URL'],
    ['CORS_ORIGIN', 'CORS_ORIGINS'],
    ['CORS_ORGINS', 'CORS_ORIGINS'],
    ['CORS_ALLOWED_ORIGINS', 'CORS_ORIGINS'],
    ['TRUSTPROXY', 'TRUST_PROXY'],
    ['JWT_ALGORITHMS', 'JWT_ALGORITHM'],
    ['RATE_LIMIT_PER_MIN', 'RATE_LIMIT_PER_MINUTE'],
    ['RATELIMIT_PER_MINUTE', 'RATE_LIMIT_PER_MINUTE'],
    ['TOKEN_REFRESH_TRESHOLD', 'TOKEN_REFRESH_THRESHOLD'],
    ['COOKIE_DOMAINS', 'COOKIE_DOMAIN'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['OPSPORT', 'OPS_PORT'],
    ['NODEENV', 'NODE_ENV'],
    ['DJANGO_JWT_SIGNING_KEY_PREVIUOS', 'DJANGO_JWT_SIGNING_KEY_PREVIOUS'],
    ['DIRECTORY_FRESH_SECS', 'DIRECTORY_FRESH_SECONDS'],
  ])('is reported at start, without its value: %s', (name, meant) => {
    expect(warningsOf({ [name]: 'value-1' })).toEqual([
      `${name} is set, but is not a variable of this service. Set ${meant} instead.`,
    ]);
  });

  it.each([
    ['AUTH_SERVICE_URI', 'AUTH_SERVICE_URL'],
    ['AUTH_SERVICES_URL', 'AUTH_SERVICE_URL'],
    ['AUTH_APIKEY', 'AUTH_API_KEY'],
    ['API_KEY', 'AUTH_API_KEY'],
    ['DJANGO_JWT_SIGNINGKEY', 'DJANGO_JWT_SIGNING_KEY'],
    ['JWT_SIGNING_KEY', 'DJANGO_JWT_SIGNING_KEY'],
  ])('is mentioned in the error of the missing variable: %s', (name, meant) => {
    const env = { ...required, [meant]: undefined, [name]: 'value-1' };
    expect(() => loadConfig(env)).toThrow(ConfigError);
    expect(() => loadConfig(env)).toThrow(`(${name} is set, but this service reads ${meant})`);
    expect(() => loadConfig(env)).not.toThrow('value-1');
  });

  it('is reported with the advice to remove it if ours is set as well', () => {
    expect(warningsOf({ REDISURL: 'redis://a', REDIS_URL: 'redis://b' })).toEqual([
      'REDISURL is set, but is not a variable of this service. Remove it if it was meant as REDIS_URL, which is set as well.',
    ]);
  });

  it('is not reported while it is blank', () => {
    expect(warningsOf({ REDISURL: ' ', CORS_ORIGIN: '' })).toEqual([]);
  });
});

describe('an ordinary environment', () => {
  it('causes no warning', () => {
    const ordinary = `PATH HOME HOSTNAME HOSTS PORTS USER LOGNAME SHELL PWD OLDPWD LANG LC_ALL TERM TZ EDITOR SHLVL _ CI
      NODE_OPTIONS NODE_PATH NODE_VERSION NODE_NAME NODE_EXTRA_CA_CERTS YARN_VERSION INIT_CWD DEBUG POST HOST_IP MAIL
      npm_config_loglevel npm_package_name npm_node_execpath npm_lifecycle_event npm_config_node_env
      KUBERNETES_PORT KUBERNETES_SERVICE_HOST KUBERNETES_PORT_443_TCP_ADDR POD_NAME POD_IP
      AUTH_SERVICE_HOST AUTH_SERVICE_PORT AUTH_SERVICE_SERVICE_HOST AUTH_SERVICE_SERVICE_PORT AUTH_SERVICE_SERVICE_PORT_HTTP
      AUTH_SERVICE_PORT_8000_TCP AUTH_SERVICE_PORT_8000_TCP_PROTO AUTH_SERVICE_PORT_8000_TCP_PORT AUTH_SERVICE_PORT_8000_TCP_ADDR
      REDIS_HOST REDIS_PORT REDIS_PASSWORD REDIS_TLS_URL REDIS_SERVICE_HOST REDIS_SERVICE_PORT REDIS_PORT_6379_TCP
      REDIS_PORT_6379_TCP_ADDR OPS_SERVICE_HOST OPS_PORT_9464_TCP OP_PORT DOPS_PORT APP_PORT HTTP_PORT TCP_PORT DB_PORT DOCKER_HOST
      HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy
      COOKIE_SECRET SESSION_SECRET JWT_SECRET SECRET_KEY SIGNING_KEY DATABASE_URL AUTH_SERVICE_KEY AUTH_SERVICE_IMAGE
      LOG_FORMAT LOG_FILE RATE_LIMIT RATE_LIMIT_WINDOW TRUST_STORE SENTRY_DSN OTEL_SERVICE_NAME CORS_METHODS`.split(
      /\s+/,
    );
    expect(ordinary.length).toBeGreaterThan(80);
    expect(warningsOf(Object.fromEntries(ordinary.map((name) => [name, 'value-1'])))).toEqual([]);
  });

  it('may contain names that a log must not repeat', () => {
    expect(warningsOf({ 'REDIS_URL\u009b': 'x', 'REDIS URL': 'x', '': 'x' })).toEqual([]);
  });

  it('may contain an alias of one of our variables while ours is set', () => {
    expect(warningsOf({ API_KEY: 'x', JWT_SIGNING_KEY: 'x' })).toEqual([]);
  });

  it('contains none of our variables as a misspelling of another one', () => {
    for (const name of variables) {
      const others = variables.filter((other) => other !== name);
      expect(findMisnamed({ [name]: 'x' }, others)).toEqual([]);
    }
  });
});

it.each([
  ['', '', 0],
  ['ab', '', 2],
  ['REDISURL', 'REDISURL', 0],
  ['REDISULR', 'REDISURL', 1],
  ['REDISURI', 'REDISURL', 1],
  ['EDISURL', 'REDISURL', 1],
  ['REDISSURL', 'REDISURL', 1],
  ['kitten', 'sitting', 3],
  ['ca', 'abc', 3],
])('from %j to %j there are %i typing errors', (one, other, errors) => {
  expect(countTypingErrors(one, other)).toBe(errors);
  expect(countTypingErrors(other, one)).toBe(errors);
});
