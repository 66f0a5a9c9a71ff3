import { isIPv4, isIPv6 } from 'node:net';

/** A name or an IPv4 address, or an IPv6 address in brackets; then a port, which may be empty. Source: RFC 3986, 3.2. */
const authorityPattern = /^(?:([a-z0-9._-]+?)\.?|\[([0-9a-f:.]+)\])(?::\d*)?$/i;

/** All spellings of an IPv6 address lead to one: `[0:0:0:0:0:0:0:1]` to `[::1]`. */
const canonical = (address: string): string | null =>
  isIPv6(address) ? new URL(`http://[${address}]`).hostname : null;

/**
 * The host in `host:port`: lower-case, without port and trailing dot, an IPv6 address in brackets. Null if the text is
 * anything else, such as one with a user name.
 */
export const hostnameOf = (authority: string): string | null => {
  const [, name, address] = authorityPattern.exec(authority) ?? [];
  if (address !== undefined) return canonical(address);
  return name?.toLowerCase() ?? null;
};

/**
 * Whether a host, as `hostnameOf` returns it, always leads to this machine: localhost and names below it (RFC 6761, 6.3),
 * 127.0.0.0/8 and [::1]. The owner of any other name can let it lead here (DNS rebinding), and browsers then take his pages
 * and this machine for one origin.
 */
export const isLocalHostname = (hostname: string): boolean =>
  /^(?:[a-z0-9_-]+\.)*localhost$/.test(hostname) ||
  (isIPv4(hostname) && hostname.startsWith('127.')) ||
  hostname === '[::1]';
