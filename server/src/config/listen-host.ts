import { isIPv6 } from 'node:net';
import { toHost } from './host.ts';
import type { Parsed } from './parse.ts';

/** HOST and OPS_HOST. An IPv6 address may have brackets. */
export const parseListenHost = (text: string): Parsed<string> => {
  const host = toHost(text);
  return host === null
    ? {
        fault:
          'expected an IP address or a host name without a port, such as 127.0.0.1, or 0.0.0.0 or :: for all addresses',
      }
    : { value: host };
};

export type Listener = { host: string; port: number };

const isAny = (host: string) => host === '0.0.0.0' || host === '::';

/** Whether two listeners need the same port of one address. Port 0 means any free port, or none. */
export const isSameListener = (one: Listener, other: Listener): boolean => {
  if (one.port !== other.port || one.port === 0) return false;
  const hosts = [one.host, other.host].map((host) => (host === 'localhost' ? '127.0.0.1' : host));
  if (hosts[0] === hosts[1] || hosts.includes('::')) return true;
  return hosts.some(isAny) && !hosts.some((host) => !isAny(host) && isIPv6(host));
};
