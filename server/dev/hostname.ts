import { isIPv4, isIPv6 } from 'node:net';

/** A name or an IPv4 address, or an IPv6 address in brackets; then a port, which may be empty. Source: RFC 3986, 3.2. */
const authorityPattern = /^(?:([a-z0-9._-]+?)\.?|\[([0-9a-f:.]+)\])(?::\d*)?$/i;

/** The canonical spelling of an IPv6 address: `0:0:0:0:0:0:0:1` becomes `[::1]`. */
const canonical = (address: string): string | null =>
  isIPv6(address) ? new URL(`http://[${address}]`).hostname : null;

/**
 * The host in `host:port`: lower-case, without port and trailing dot, IPv6 in brackets. Null if the text is no such
 * authority, for example if it has a user name.
 */
export const hostnameOf = (authority: string): string | null => {
  const [, name, address] = authorityPattern.exec(authority) ?? [];
  if (address !== undefined) return canonical(address);
  return name?.toLowerCase() ?? null;
};

/**
 * Whether a host, as returned by `hostnameOf`, always resolves to this machine: localhost and names below it (RFC 6761,
 * 6.3), 127.0.0.0/8 and [::1]. The owner of any other name can point it to this machine (DNS rebinding). Browsers then
 * treat the owner's pages and this machine as one origin.
 */
export const isLocalHostname = (hostname: string): boolean =>
  /^(?:[a-z0-9_-]+\.)*localhost$/.test(hostname) ||
  (isIPv4(hostname) && hostname.startsWith('127.')) ||
  hostname === '[::1]';
