import type { Parsed } from '../../config/parse.ts';
import { toUrl } from '../to-url.ts';
import { decodeText, parseRedisNodes, type RedisNode } from './redis-nodes.ts';
import { isKnownParameter, type RedisParameters, readRedisParameters } from './redis-parameters.ts';

/** A parsed REDIS_URL, decoded. */
export type RedisTarget = Pick<RedisParameters, 'tlsFiles'> & {
  /** `single`: one server. `cluster`: `nodes` are some of its nodes. `sentinel`: `nodes` are sentinels, which know the server. */
  kind: 'single' | 'cluster' | 'sentinel';
  isTls: boolean;
  /** At least one. Exactly one of a single server. */
  nodes: readonly RedisNode[];
  /** The name by which the sentinels know the primary. Null without sentinels. */
  primaryName: string | null;
  username: string | null;
  password: string | null;
  /** Number of the database. 0 in a cluster. */
  db: number;
  /** Unsupported query parameters. Null replaces a name that might be part of a password. */
  unknownParameters: Array<string | null>;
};

const schemes = /^(redis|rediss|redis\+sentinel|rediss\+sentinel):\/\/([^/?]*)(.*)$/is;
const redisPort = 6379;
const sentinelPort = 26379;

const expected = 'expected an address such as redis://redis:6379 or rediss://…';
const expectedSentinel =
  'expected sentinels and a name, such as redis+sentinel://sentinel-1:26379,sentinel-2:26379/mymaster';

const unknownIn = (parameters: URLSearchParams): Array<string | null> =>
  [...new Set(parameters.keys())]
    .filter((name) => !isKnownParameter(name))
    .map((name) => (/^[a-z][a-z_-]{0,31}$/i.test(name) ? name : null));

type Place = { primaryName: string | null; db: number };

/** The path: a database number, behind the name of the primary if there are sentinels. */
const readPlace = (path: string, kind: RedisTarget['kind']): Parsed<Place> => {
  if (kind !== 'sentinel') {
    const db = /^\/?(\d{0,6})$/.exec(path)?.[1];
    if (db === undefined) {
      return { fault: 'expected only a database number after the host, such as redis://redis:6379/1' };
    }
    return kind === 'cluster' && Number(db) !== 0
      ? { fault: 'expected no database number with ?cluster=true: a cluster has database 0 only' }
      : { value: { primaryName: null, db: Number(db) } };
  }
  // As Sentinel itself restricts names.
  const [, primaryName, db = '0'] = /^\/([\w.-]{1,200})(?:\/(\d{1,6}))?\/?$/.exec(path) ?? [];
  if (primaryName !== undefined) return { value: { primaryName, db: Number(db) } };
  return {
    fault: `${expectedSentinel}: the name of the primary, as in \`sentinel monitor\`, and at most a database number behind it`,
  };
};

/**
 * REDIS_URL: `redis://user:password@host:port/database`, `redis://host:port,host:port?cluster=true`, or
 * `redis+sentinel://user:password@sentinel:port,sentinel:port/name/database`. `rediss` is TLS, with the files of `?ca`,
 * `cert` and `key`. Reads no file.
 */
export const parseRedisUrl = (text: string): Parsed<RedisTarget> => {
  const [, scheme = '', authority = '', rest = ''] = schemes.exec(text) ?? [];
  // URL removes tabs and line ends silently, also from a password.
  if (scheme === '' || /[\t\r\n]/.test(text)) return { fault: expected };
  if (text.includes('#')) return { fault: `${expected}; a # in a password is written %23` };
  const nodesAt = authority.lastIndexOf('@') + 1;
  const isSentinel = /sentinel$/i.test(scheme);
  const nodes = parseRedisNodes(authority.slice(nodesAt), isSentinel ? sentinelPort : redisPort);
  const url = toUrl(`redis://${authority.slice(0, nodesAt)}host${rest}`);
  // An unencoded / or ? in a password moves its rest and the @ into path or query.
  if (/@/.test(rest)) {
    return { fault: `${expected}; in a password / is written %2F, ? is written %3F and @ is written %40` };
  }
  if ('fault' in nodes) return { fault: `${expected}, ${nodes.fault}` };
  if (url === null) return { fault: `${expected}, with user name and password percent-encoded` };
  const [user, secret] = [decodeText(url.username), decodeText(url.password)];
  if (user === null || secret === null) {
    return { fault: `${expected}; a % in a user name or password is written %25` };
  }
  const isTls = /^rediss/i.test(scheme);
  const parameters = readRedisParameters(url.searchParams, { isTls });
  if ('fault' in parameters) return { fault: `${expected}, ${parameters.fault}` };
  const { isCluster, tlsFiles } = parameters.value;
  if (isCluster && isSentinel)
    return { fault: `${expectedSentinel}, without ?cluster=true: a cluster needs no sentinels` };
  if (!isCluster && !isSentinel && nodes.value.length > 1) {
    return {
      fault:
        'expected one host, or ?cluster=true behind several nodes of a cluster, or redis+sentinel:// before several sentinels',
    };
  }
  const kind = isSentinel ? 'sentinel' : isCluster ? 'cluster' : 'single';
  const place = readPlace(url.pathname, kind);
  if ('fault' in place) return place;
  return {
    value: {
      kind,
      isTls,
      nodes: nodes.value,
      ...place.value,
      username: user === '' ? null : user,
      password: secret === '' ? null : secret,
      tlsFiles,
      unknownParameters: unknownIn(url.searchParams),
    },
  };
};
