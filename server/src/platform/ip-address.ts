import { isIPv6 } from 'node:net';
import { Address6 } from 'ip-address';

/** An IPv4 address as a dual-stack socket reports it. */
const v4InV6 = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;
/** The same as `URL` formats it: the last 32 bits in two groups. */
const v4InHex = /^::ffff:([\da-f]{1,4}):([\da-f]{1,4})$/;

const toDotted = (groups: readonly string[]): string =>
  groups
    .map((group) => Number.parseInt(group, 16))
    .flatMap((bits) => [bits >> 8, bits & 255])
    .join('.');

/** The canonical form of an address: IPv4-mapped IPv6 as IPv4, no zone, IPv6 in lower case and compressed. */
export const toCanonicalAddress = (address: string): string => {
  if (!isIPv6(address)) return address;
  const mapped = v4InV6.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const plain = new URL(`http://[${address.split('%', 1)[0]}]`).hostname.slice(1, -1);
  const [, ...groups] = v4InHex.exec(plain) ?? [];
  return groups.length === 0 ? plain : toDotted(groups);
};

/** The key of limits by address: an IPv4 address, or the /64 network of an IPv6 address, because one customer owns all of it. */
export const toNetwork = (address: string): string => {
  if (!isIPv6(address)) return address.toLowerCase();
  const parsed = new Address6(address);
  if (parsed.isMapped4()) return parsed.to4().correctForm();
  return new Address6(`${address}/64`).startAddress().correctForm();
};
