import { describe, expect, it } from 'vitest';
import { type Config, ConfigError, loadConfig } from '../../../server/src/config.ts';
import { parseRedisUrl } from '../../../server/src/platform/redis/redis-url.ts';
import { reachedAt } from '../../support/auth-service/reached-at.ts';

type Environment = Record<string, string | undefined>;

const required: Environment = {
  DJANGO_JWT_SIGNING_KEY: 'signing-key-of-32-bytes-exactly!',
  AUTH_SERVICE_URL: 'http://auth-service:8000',
  AUTH_API_KEY: 'internal-api-key',
};

const load = (changes: Environment): Config => loadConfig({ ...required, ...changes });

/** The faults of an environment, as they are printed. */
const faultsOf = (changes: Environment): string[] => {
  try {
    load(changes);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.faults.map(({ variable, fault }) => `${variable}: ${fault}`);
  }
  return [];
};

const long = (length: number) => 'x'.repeat(length);

describe('a valid value', () => {
  it.each<[string, string, Partial<Config>]>([
    ['AUTH_SERVICE_URL', 'http://Auth-Service:8000', reachedAt('http://auth-service:8000')],
    ['AUTH_SERVICE_URL', 'https://bücher.example', reachedAt('https://xn--bcher-kva.example')],
    ['AUTH_SERVICE_URL', 'http://[2001:db8::1]:8000/auth/', reachedAt('http://[2001:db8::1]:8000/auth')],
    ['AUTH_SERVICE_URL', 'http://gateway/a%20b/./c', reachedAt('http://gateway/a%20b/c')],
    ['AUTH_SERVICE_URL', 'http://auth-service:80', reachedAt('http://auth-service')],
    ['AUTH_SERVICE_URL', 'http://auth_service:8000', reachedAt('http://auth_service:8000')],
    ['HOST', '[::1]', { host: '::1' }],
    ['HOST', '::', { host: '::' }],
    ['HOST', 'localhost', { host: 'localhost' }],
    ['HOST', 'Node-1.internal.', { host: 'node-1.internal.' }],
    ['OPS_HOST', 'fe80::1%eth0', { opsHost: 'fe80::1%eth0' }],
    ['CORS_ORIGINS', 'https://a.example,https://a.example', { corsOrigins: ['https://a.example'] }],
    ['CORS_ORIGINS', 'https://xn--bcher-kva.example', { corsOrigins: ['https://xn--bcher-kva.example'] }],
    ['CORS_ORIGINS', 'http://[::1]:5173', { corsOrigins: ['http://[::1]:5173'] }],
    ['COOKIE_DOMAIN', 'Example.ORG', { cookieDomain: 'example.org' }],
    ['COOKIE_DOMAIN', 'xn--bcher-kva.example', { cookieDomain: 'xn--bcher-kva.example' }],
    ['COOKIE_DOMAIN', `${long(63)}.example`, { cookieDomain: `${long(63)}.example` }],
    ['TRUST_PROXY', '0', { trustProxy: 0 }],
    ['TRUST_PROXY', '32', { trustProxy: 32 }],
    [
      'TRUST_PROXY',
      'loopback, uniquelocal,2001:db8::/32',
      { trustProxy: ['loopback', 'uniquelocal', '2001:db8::/32'] },
    ],
    ['TRUST_PROXY', '::ffff:10.0.0.0/104', { trustProxy: ['::ffff:10.0.0.0/104'] }],
    ['RATE_LIMIT_PER_MINUTE', '0060', { rateLimitPerMinute: 60 }],
  ])('%s may be %j', (variable, value, expected) => {
    expect(load({ [variable]: value })).toEqual({ ...load({}), ...expected });
  });
});

describe('a value that would make a library fail later', () => {
  it.each<[string, string, RegExp]>([
    ['AUTH_SERVICE_URL', 'http://auth-service:0', /expected a port from 1 to 65535$/],
    ['AUTH_SERVICE_URL', 'http:auth-service', /expected an http or https address/],
    ['AUTH_SERVICE_URL', 'http:///auth-service', /expected an http or https address/],
    ['AUTH_SERVICE_URL', 'http://4000', /expected an http or https address/],
    ['AUTH_SERVICE_URL', 'http://0x7f.1', /expected an http or https address/],
    ['AUTH_SERVICE_URL', 'http://a..b', /expected an http or https address/],
    ['AUTH_SERVICE_URL', `http://${long(64)}.example`, /expected an http or https address/],
    ['AUTH_SERVICE_URL', 'http://gateway/100%', /in which % begins an escape sequence/],
    ['AUTH_SERVICE_URL', 'http://gateway/a b', /without spaces and backslashes/],
    ['AUTH_SERVICE_URL', 'http://gate\tway', /without spaces and backslashes/],
    ['AUTH_SERVICE_URL', 'http:\\\\gateway', /expected an http or https address/],
    ['AUTH_SERVICE_URL', '"http://gateway"', /expected an http or https address/],
    ['HOST', '127.0.0.1:4000', /expected an IP address or a host name without a port/],
    ['HOST', '[::1]:4000', /expected an IP address or a host name/],
    ['HOST', '[::1', /expected an IP address or a host name/],
    ['HOST', '*', /0\.0\.0\.0 or :: for all addresses/],
    ['HOST', 'http://localhost', /expected an IP address or a host name/],
    ['HOST', '4000', /expected an IP address or a host name/],
    ['HOST', '127.0.0.256', /expected an IP address or a host name/],
    ['HOST', 'local host', /expected an IP address or a host name/],
    ['OPS_HOST', 'a..b', /expected an IP address or a host name/],
    ['OPS_PORT', 'tcp://10.0.0.1:9464', /Kubernetes sets it .* enableServiceLinks/],
    ['CORS_ORIGINS', 'https://a.example/', /\(entry 1 ends in a slash\)/],
    ['CORS_ORIGINS', 'https://a.example, https://B.example', /\(entry 2 has capital letters\)/],
    ['CORS_ORIGINS', 'https://bücher.example', /\(entry 1 has non-ASCII letters, which browsers send as xn--…\)/],
    ['CORS_ORIGINS', 'null', /\(entry 1 is null/],
    ['CORS_ORIGINS', 'https://a.example:443', /\(entry 1 has the default port of its scheme/],
    ['CORS_ORIGINS', 'http://a.example,http://127.0.0.1:80', /\(entry 2 has the default port of its scheme/],
    ['CORS_ORIGINS', 'http://a.example:0', /\(entry 1 has the port 0\)/],
    ['CORS_ORIGINS', 'https://*.a.example', /\(entry 1 has a \*/],
    ['CORS_ORIGINS', 'a.example,b.example/', /\(entry 1 does not begin with http.*; entry 2 does not begin/],
    ['CORS_ORIGINS', 'https://a.example https://b.example', /\(entry 1 has a space/],
    ['CORS_ORIGINS', 'https://a.example/login', /\(entry 1 has more than scheme, host and port/],
    ['COOKIE_DOMAIN', '-a.example', /expected a domain name such as example\.org$/],
    ['COOKIE_DOMAIN', 'a-.example', /expected a domain name such as example\.org$/],
    ['COOKIE_DOMAIN', 'a_b.example', /without underscores$/],
    ['COOKIE_DOMAIN', 'example.org.', /without a trailing dot$/],
    ['COOKIE_DOMAIN', 'bücher.example', /in its ASCII form/],
    ['COOKIE_DOMAIN', 'example.org:4000', /without a port$/],
    ['COOKIE_DOMAIN', '::1', /without a port$/],
    ['COOKIE_DOMAIN', 'https://example.org', /without a scheme or path$/],
    ['COOKIE_DOMAIN', `${long(64)}.example`, /with at most 63 characters between two dots$/],
    ['COOKIE_DOMAIN', Array.from({ length: 6 }, () => long(50)).join('.'), /expected a domain name/],
    ['TRUST_PROXY', '33', /a number of proxies \(up to 32\)/],
    ['TRUST_PROXY', '99999999999999999999', /a number of proxies \(up to 32\)/],
    ['TRUST_PROXY', '1e3', /expected true, false, a number/],
    ['TRUST_PROXY', '::/0', /expected true, false, a number/],
    ['TRUST_PROXY', 'loopback/8', /expected true, false, a number/],
    ['TRUST_PROXY', 'Loopback', /expected true, false, a number/],
    ['TRUST_PROXY', ',', /expected true, false, a number/],
    ['TRUST_PROXY', '10.0.0.0/255.0.0.0', /expected true, false, a number/],
    ['PORT', '1e3', /expected a whole number from 0 to 65535/],
    ['PORT', '99999', /expected a whole number from 0 to 65535/],
    ['RATE_LIMIT_PER_MINUTE', '١٢', /expected a whole number from 0 to 1000000/],
    ['DIRECTORY_MAX_ENTRIES', '0', /expected a whole number from 1 to 10000000/],
  ])('stops the start: %s=%j', (variable, value, message) => {
    const faults = faultsOf({ [variable]: value });
    expect(faults).toEqual([expect.stringMatching(message)]);
    expect(faults[0]).toMatch(new RegExp(`^${variable}: `));
  });
});

describe('REDIS_URL', () => {
  const target = {
    kind: 'single',
    isTls: false,
    nodes: [{ host: 'redis', port: 6379 }],
    primaryName: null,
    username: null,
    password: null,
    db: 0,
    tlsFiles: { ca: null, cert: null, key: null },
    unknownParameters: [],
  };
  const at = (host: string, port = 6379) => ({ ...target, nodes: [{ host, port }] });
  const cluster = { ...target, kind: 'cluster' };
  const sentinel = {
    ...target,
    kind: 'sentinel',
    nodes: [{ host: 'sentinel', port: 26_379 }],
    primaryName: 'mymaster',
  };

  it.each<[string, object]>([
    ['redis://redis', target],
    ['REDIS://Redis:6380/', at('redis', 6380)],
    ['rediss://redis', { ...target, isTls: true }],
    ['redis://redis/15', { ...target, db: 15 }],
    ['redis://[::1]:6380', at('::1', 6380)],
    ['redis://[::1]:6380?cluster=true', { ...at('::1', 6380), kind: 'cluster' }],
    ['redis://redis/0?cluster=true', cluster],
    ['redis://redis?cluster=false', target],
    ['redis://redis?cluster=true&cluster=true', cluster],
    ['redis://user@redis', { ...target, username: 'user' }],
    ['redis://:word@redis', { ...target, password: 'word' }],
    ['redis://us%40er:p%25%2F%3F%23%40@redis', { ...target, username: 'us@er', password: 'p%/?#@' }],
    ['redis://:p@ss@redis', { ...target, password: 'p@ss' }],
    ['redis://:пароль@redis', { ...target, password: 'пароль' }],
    ['redis://bücher.example', at('xn--bcher-kva.example')],
    ['redis://redis_1', at('redis_1')],
    ['redis://redis?clster=true&db=1', { ...target, unknownParameters: ['clster', 'db'] }],
    ['redis://redis?p4ss:w0rd', { ...target, unknownParameters: [null] }],
    [
      'redis://:p@ss,word@a:7000,[::1]:7001, c?cluster=true',
      {
        ...cluster,
        password: 'p@ss,word',
        nodes: [
          { host: 'a', port: 7000 },
          { host: '::1', port: 7001 },
          { host: 'c', port: 6379 },
        ],
      },
    ],
    ['redis+sentinel://sentinel/mymaster', sentinel],
    ['REDISS+SENTINEL://sentinel/mymaster/', { ...sentinel, isTls: true }],
    [
      'redis+sentinel://user:w%40rd@a:1,b:2/eu.primary-1/15?clster=1',
      {
        ...sentinel,
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 2 },
        ],
        primaryName: 'eu.primary-1',
        username: 'user',
        password: 'w@rd',
        db: 15,
        unknownParameters: ['clster'],
      },
    ],
  ])('may be %j', (url, expected) => {
    expect(load({ REDIS_URL: url }).redisUrl).toBe(url);
    expect(parseRedisUrl(url)).toEqual({ value: expected });
  });

  it.each<[string, RegExp]>([
    ['redis://:100%@redis', /a % in a user name or password is written %25/],
    ['redis://us%er@redis', /a % in a user name or password is written %25/],
    ['redis://:%E0%A4%A@redis', /a % in a user name or password is written %25/],
    ['redis://user:1234#5@redis', /a # in a password is written %23/],
    ['redis://user:12/34@redis', /in a password \/ is written %2F/],
    ['redis://user:12?34@redis', /in a password \/ is written %2F, \? is written %3F/],
    ['redis://redis/abc', /only a database number after the host/],
    ['redis://redis/%31', /only a database number after the host/],
    ['redis://redis/1/2', /only a database number after the host/],
    ['redis://redis/-1', /only a database number after the host/],
    ['redis://redis/1?cluster=true', /a cluster has database 0 only/],
    ['redis://redis?cluster=yes', /with \?cluster=true or \?cluster=false/],
    ['redis://redis?cluster', /with \?cluster=true or \?cluster=false/],
    ['redis://redis?cluster=true&cluster=false', /with \?cluster=true or \?cluster=false/],
    ['redis://redis:0', /a port from 1 to 65535/],
    ['redis://redis:65536', /a port up to 65535/],
    ['redis://', /with a host name or an IP address/],
    ['redis:///1', /with a host name or an IP address/],
    ['redis:6379', /expected an address such as redis:\/\/redis:6379/],
    ['redis:/redis', /expected an address such as redis:\/\/redis:6379/],
    ['redis://6379', /with a host name or an IP address/],
    ['redis://10.0.0.256', /with a host name or an IP address/],
    ['redis://re%20dis', /with a host name or an IP address/],
    [
      'redis://redis-1:6379,redis-2:6379',
      /\?cluster=true behind several nodes .* or redis\+sentinel:\/\/ before several/,
    ],
    ['redis://redis-1,redis-2?cluster=false', /\?cluster=true behind several nodes/],
    ['redis://redis-1,,redis-2?cluster=true', /with a host name or an IP address/],
    ['redis://redis-1:6379,redis-2:0?cluster=true', /a port from 1 to 65535/],
    ['redis+sentinel://a,b', /sentinels and a name, such as .*: the name of the primary/],
    ['redis+sentinel://a,b/', /the name of the primary/],
    ['redis+sentinel://a,b/my master', /the name of the primary/],
    ['redis+sentinel://a,b/mymaster/db', /at most a database number behind it/],
    ['redis+sentinel://a,b/mymaster/0/1', /at most a database number behind it/],
    ['redis+sentinel://a,b/mymaster?cluster=true', /a cluster needs no sentinels/],
    ['redis+sentinel:///mymaster', /with a host name or an IP address/],
    ['redis+sentinels://a/mymaster', /expected an address such as/],
    ['redis://redis?ca=/ca.pem', /rediss:\/\/ and not redis:\/\/ if there is ca=/],
    ['rediss://redis?cert=/tls.crt', /both cert= and key= or neither/],
    ['rediss://redis?key=/tls.key', /both cert= and key= or neither/],
    ['rediss://redis?ca=', /the path of one file in ca/],
    ['rediss://redis?ca=/a.pem&ca=/b.pem', /the path of one file in ca/],
    ['rediss://redis?ca=/no/such/ca.pem', /the file "\/no\/such\/ca.pem" of ca= cannot be read \(ENOENT\)/],
    ['redis://[::1%25eth0]', /expected an address such as/],
    ['redis://:pass\tword@redis', /expected an address such as/],
    ['/var/run/redis.sock', /expected an address such as/],
  ])('may not be %j', (url, message) => {
    const [fault = '', ...others] = faultsOf({ REDIS_URL: url });
    expect(others).toEqual([]);
    expect(fault).toMatch(/^REDIS_URL: /);
    expect(fault).toMatch(message);
  });
});

describe('PORT and OPS_PORT', () => {
  it.each<Environment>([
    { PORT: '4000', OPS_PORT: '4000' },
    { PORT: '9464' },
    { OPS_PORT: '4000' },
    { PORT: '5000', OPS_PORT: '5000', HOST: '0.0.0.0' },
    { PORT: '5000', OPS_PORT: '5000', HOST: '::', OPS_HOST: '10.0.0.1' },
    { PORT: '5000', OPS_PORT: '5000', HOST: '::', OPS_HOST: '::1' },
    { PORT: '5000', OPS_PORT: '5000', HOST: 'localhost' },
    { PORT: '5000', OPS_PORT: '5000', HOST: '[::1]', OPS_HOST: '::1' },
  ])('may not be the same on one address: %j', (env) => {
    expect(faultsOf(env)).toEqual([expect.stringMatching(/^OPS_PORT: is the port that PORT already uses/)]);
  });

  it.each<Environment>([
    { PORT: '0', OPS_PORT: '0' },
    { PORT: '5000', OPS_PORT: '5000', HOST: '10.0.0.1' },
    { PORT: '5000', OPS_PORT: '5000', HOST: '0.0.0.0', OPS_HOST: '::1' },
  ])('may be the same otherwise: %j', (env) => {
    expect(faultsOf(env)).toEqual([]);
  });

  it('are reported together with other invalid variables if they clash', () => {
    expect(faultsOf({ PORT: '9464', LOG_LEVEL: 'loud', HOST: ' ' }).map((fault) => fault.split(':')[0])).toEqual([
      'LOG_LEVEL',
      'OPS_PORT',
    ]);
  });
});

it('no message repeats a part of a value', () => {
  const secrets: Environment = {
    AUTH_SERVICE_URL: 'http://sekret/sekret%',
    HOST: 'sekret:1',
    OPS_HOST: 'sekret sekret',
    PORT: 'sekret',
    CORS_ORIGINS: 'https://sekret/,sekret,https://SEKRET',
    COOKIE_DOMAIN: 'sekret_sekret',
    TRUST_PROXY: 'sekret/8',
    REDIS_URL: 'redis://sekret:sekret%@sekret',
    RATE_LIMIT_PER_MINUTE: 'sekret',
  };
  const faults = faultsOf(secrets);
  expect(faults).toHaveLength(Object.keys(secrets).length);
  expect(faults.join('\n')).not.toMatch(/sekret/i);
});
