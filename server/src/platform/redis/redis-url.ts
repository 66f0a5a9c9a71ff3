import { toUrl } from '../to-url.ts';
import { toHost } from '../../config/host.ts';
import type { Parsed } from '../../config/parse.ts';

/** A parsed REDIS_URL: decoded, and IPv6 addresses without brackets. */
export type RedisTarget = {
  /** The address is one node of a cluster. */
  isCluster: boolean;
  isTls: boolean;
  host: string;
  port: number;
  username: string | null;
  password: string | null;
  /** Number of the database. 0 in a cluster. */
  db: number;
  /** Unsupported query parameters. Null replaces a name that might be part of a password. */
  unknownParameters: Array<string | null>;
};

const expected = 'expected an address such as redis://redis:6379 or rediss://…';

/** Null if a % begins no escape sequence. */
const decode = (text: string): string | null => {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
};

/** Null if the parameter is invalid. */
const clusterOf = (parameters: URLSearchParams): boolean | null => {
  const [value = 'false', ...others] = new Set(parameters.getAll('cluster'));
  if (others.length > 0 || !['true', 'false'].includes(value)) return null;
  return value === 'true';
};

const unknownIn = (parameters: URLSearchParams): Array<string | null> =>
  [...new Set(parameters.keys())]
    .filter((name) => name !== 'cluster')
    .map((name) => (/^[a-z][a-z_-]{0,31}$/i.test(name) ? name : null));

/** REDIS_URL: `redis://user:password@host:port/database?cluster=true`, with `rediss://` for TLS. */
export const parseRedisUrl = (text: string): Parsed<RedisTarget> => {
  // URL removes tabs and line ends silently, also from a password.
  if (!/^rediss?:\/\//i.test(text) || /[\t\r\n]/.test(text)) return { fault: expected };
  if (text.includes('#')) return { fault: `${expected}; a # in a password is written %23` };
  const url = toUrl(text);
  if (url === null) {
    return { fault: `${expected}, with a port up to 65535, and with user name and password percent-encoded` };
  }
  const { protocol, hostname, port, username, password, pathname, search, searchParams } = url;
  // An unencoded / or ? in a password moves its rest and the @ into path or query.
  if (/@/.test(pathname + search)) {
    return { fault: `${expected}; in a password / is written %2F, ? is written %3F and @ is written %40` };
  }
  const host = toHost(decode(hostname) ?? '');
  if (host === null) return { fault: `${expected}, with a host name or an IP address` };
  if (port === '0') return { fault: `${expected}, with a port from 1 to 65535` };
  const [user, secret] = [decode(username), decode(password)];
  if (user === null || secret === null) {
    return { fault: `${expected}; a % in a user name or password is written %25` };
  }
  const isCluster = clusterOf(searchParams);
  if (isCluster === null) return { fault: `${expected}, with ?cluster=true or ?cluster=false at most once` };
  const db = /^\/?(\d{0,6})$/.exec(pathname)?.[1];
  if (db === undefined) {
    return { fault: 'expected only a database number after the host, such as redis://redis:6379/1' };
  }
  if (isCluster && Number(db) !== 0) {
    return { fault: 'expected no database number with ?cluster=true: a cluster has database 0 only' };
  }
  return {
    value: {
      isCluster,
      isTls: protocol === 'rediss:',
      host,
      port: port === '' ? 6379 : Number(port),
      username: user === '' ? null : user,
      password: secret === '' ? null : secret,
      db: Number(db),
      unknownParameters: unknownIn(searchParams),
    },
  };
};
