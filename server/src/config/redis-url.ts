import { toUrl } from '../platform/to-url.ts';
import { toHost } from './host.ts';
import type { Reading } from './parse.ts';

/** Where Redis is, as sockets and commands take it: decoded, and IPv6 without brackets. */
export type RedisTarget = {
  /** The address is that of one node of a cluster. */
  isCluster: boolean;
  isTls: boolean;
  host: string;
  port: number;
  username: string | null;
  password: string | null;
  /** The number of the database; 0 in a cluster. */
  db: number;
  /** Query parameters that nothing reads. Null in place of a name that might be a piece of a password. */
  unknownParameters: Array<string | null>;
};

const expected = 'expected an address such as redis://redis:6379 or rediss://…';

/** Null: a % in it begins no escape. */
const decode = (text: string): string | null => {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
};

const clusterOf = (parameters: URLSearchParams): boolean | null => {
  const [value = 'false', ...others] = new Set(parameters.getAll('cluster'));
  if (others.length > 0) return null;
  return value === 'true' ? true : value === 'false' ? false : null;
};

const unknownIn = (parameters: URLSearchParams): Array<string | null> =>
  [...new Set(parameters.keys())]
    .filter((name) => name !== 'cluster')
    .map((name) => (/^[a-z][a-z_-]{0,31}$/i.test(name) ? name : null));

/** REDIS_URL: `redis://user:password@host:port/database?cluster=true`, with `rediss://` for TLS. */
export const readRedisUrl = (text: string): Reading<RedisTarget> => {
  // URL drops tabs and line ends, also out of a password.
  if (!/^rediss?:\/\//i.test(text) || /[\t\r\n]/.test(text)) return { fault: expected };
  if (text.includes('#')) return { fault: `${expected}; a # in a password is written %23` };
  const url = toUrl(text);
  if (url === null) {
    return { fault: `${expected}, with a port up to 65535, and with user name and password percent-encoded` };
  }
  const { protocol, hostname, port, username, password, pathname, search, searchParams } = url;
  // What a / or ? in a password that is not encoded leads to.
  if (/@/.test(pathname + search)) {
    return { fault: `${expected}; in a password / is written %2F, ? is written %3F and @ is written %40` };
  }
  const host = toHost(decode(hostname) ?? '');
  if (host === null) return { fault: `${expected}, with a host name or an IP address` };
  if (port === '0') return { fault: `${expected}, with a port from 1 to 65535` };
  const [user, word] = [decode(username), decode(password)];
  if (user === null || word === null) {
    return { fault: `${expected}; a % in a user name or password is written %25` };
  }
  const isCluster = clusterOf(searchParams);
  if (isCluster === null) return { fault: `${expected}, with ?cluster=true or ?cluster=false at its end, once` };
  const db = /^\/?(\d{0,6})$/.exec(pathname)?.[1];
  if (db === undefined) {
    return { fault: 'expected nothing but the number of a database after the host, such as redis://redis:6379/1' };
  }
  if (isCluster && Number(db) !== 0) {
    return { fault: 'expected no number of a database beside ?cluster=true: a cluster has database 0 alone' };
  }
  return {
    value: {
      isCluster,
      isTls: protocol === 'rediss:',
      host,
      port: port === '' ? 6379 : Number(port),
      username: user === '' ? null : user,
      password: word === '' ? null : word,
      db: Number(db),
      unknownParameters: unknownIn(searchParams),
    },
  };
};
