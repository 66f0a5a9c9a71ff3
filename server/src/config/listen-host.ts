import { isIPv6 } from 'node:net';
import { toHost } from './host.ts';
import type { Reading } from './parse.ts';

/** HOST and OPS_HOST. IPv6 may be in brackets, as in a URL. */
export const readListenHost = (text: string): Reading<string> => {
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

/** Whether two listeners want the same port of the same address. Port 0 is any free port. */
export const isSameListener = (one: Listener, other: Listener): boolean => {
  if (one.port !== other.port || one.port === 0) return false;
  const hosts = [one.host, other.host].map((host) => (host === 'localhost' ? '127.0.0.1' : host));
  if (hosts[0] === hosts[1] || hosts.includes('::')) return true;
  return hosts.some(isAny) && !hosts.some((host) => !isAny(host) && isIPv6(host));
};
