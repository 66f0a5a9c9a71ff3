import { toHost } from '../../config/host.ts';
import type { Parsed } from '../../config/parse.ts';
import { toUrl } from '../to-url.ts';

/** The address of a Redis server or of a sentinel. IPv6 addresses have no brackets. */
export type RedisNode = { host: string; port: number };

/** Null if a % begins no escape sequence. */
export const decodeText = (text: string): string | null => {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
};

const parseNode = (text: string, defaultPort: number): Parsed<RedisNode> => {
  const url = toUrl(`redis://${text}`);
  // Without a host, URL rejects a port as well.
  if (url === null) {
    return text === '' || text.startsWith(':')
      ? { fault: 'with a host name or an IP address' }
      : { fault: 'with a port up to 65535, and with user name and password percent-encoded' };
  }
  const host = toHost(decodeText(url.hostname) ?? '');
  if (host === null) return { fault: 'with a host name or an IP address' };
  if (url.port === '0') return { fault: 'with a port from 1 to 65535' };
  return { value: { host, port: url.port === '' ? defaultPort : Number(url.port) } };
};

/** Addresses such as `redis-1:6379,[::1]:6380`. The fault continues the sentence `expected …,`. */
export const parseRedisNodes = (text: string, defaultPort: number): Parsed<RedisNode[]> => {
  const nodes: RedisNode[] = [];
  for (const part of text.split(',')) {
    const parsed = parseNode(part.trim(), defaultPort);
    if ('fault' in parsed) return parsed;
    nodes.push(parsed.value);
  }
  return { value: nodes };
};
