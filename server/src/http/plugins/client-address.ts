import { isIP, isIPv6 } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Address6 } from 'ip-address';

declare module 'fastify' {
  interface FastifyRequest {
    /** Cached by `clientAddressOf`. Null: not computed yet. */
    clientAddress: string | null;
  }
}

/** More hops than any chain of proxies has. A longer header is padded by the client. */
const maxForwardedEntries = 32;
/** Longer than an IPv6 address with brackets, quotes, a zone and a port. */
const maxEntryLength = 128;

/** Replaces an entry without an address, so that the other entries keep their positions. Source: RFC 7239, 6.2. */
const unknown = 'unknown';

/** `[2001:db8::1]`, `[2001:db8::1]:443`. */
const bracketed = /^\[([^\]]+)\](?::[\w.-]*)?$/;
/** `192.0.2.7:51234`. */
const v4WithPort = /^([\d.]+):[\w.-]*$/;
/** An uncompressed IPv6 address followed by a port, without the brackets that the syntax requires. */
const v6WithPort = /^((?:[\da-f]{1,4}:){7}[\da-f]{1,4}):\d{1,5}$/i;
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
const toPlain = (address: string): string => {
  if (!isIPv6(address)) return address;
  const mapped = v4InV6.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  const plain = new URL(`http://[${address.split('%', 1)[0]}]`).hostname.slice(1, -1);
  const [, ...groups] = v4InHex.exec(plain) ?? [];
  return groups.length === 0 ? plain : toDotted(groups);
};

/** The address in one entry of X-Forwarded-For, without port, brackets and zone. Null: it has none (`unknown`, `_hidden`). */
export const toAddress = (entry: string): string | null => {
  if (entry.length > maxEntryLength) return null;
  const text = entry.trim().replace(/^"(.*)"$/, '$1');
  if (isIP(text) !== 0) return toPlain(text);
  const inBrackets = bracketed.exec(text)?.[1];
  if (inBrackets !== undefined) return isIPv6(inBrackets) ? toPlain(inBrackets) : null;
  const before = v4WithPort.exec(text)?.[1] ?? v6WithPort.exec(text)?.[1] ?? '';
  return isIP(before) === 0 ? null : toPlain(before);
};

/** X-Forwarded-For with a canonical address or `unknown` in each entry, without empty entries. */
export const normalizeForwardedFor = (header: string): string =>
  header
    .split(',')
    .filter((entry) => entry.trim() !== '')
    .slice(-maxForwardedEntries)
    .map((entry) => toAddress(entry) ?? unknown)
    .join(', ');

/**
 * Gives each request a place for its address, so that it is worked out once. Behind a proxy it also rewrites
 * X-Forwarded-For before anything reads it: Fastify takes an entry with a port for the name of a client.
 */
export const registerClientAddress = (
  server: FastifyInstance,
  { trustProxy }: { trustProxy: boolean | number | string[] },
): void => {
  server.decorateRequest('clientAddress', null);
  if (trustProxy === false) return;
  server.addHook('onRequest', ({ raw: { headers } }, _reply, done) => {
    const forwarded = headers['x-forwarded-for'];
    if (forwarded !== undefined) headers['x-forwarded-for'] = normalizeForwardedFor([forwarded].flat().join());
    done();
  });
};

/**
 * The canonical client address of a request, by TRUST_PROXY. If the client's entry has no address: the address of the
 * proxy closest to the client that has one.
 */
export const clientAddressOf = (
  request: Pick<FastifyRequest, 'ip' | 'socket' | 'clientAddress'> & { ips?: string[] | undefined },
): string => {
  // `ips` goes from the peer of this socket to the client. It is set only behind a trusted proxy.
  request.clientAddress ??= toPlain(
    (request.ips ?? [request.ip]).findLast((address) => isIP(address) !== 0) ?? request.socket.remoteAddress ?? '',
  );
  return request.clientAddress;
};

/** The key of limits by address: an IPv4 address, or the /64 network of an IPv6 address, because one customer owns all of it. */
export const toNetwork = (address: string): string => {
  if (!isIPv6(address)) return address.toLowerCase();
  const parsed = new Address6(address);
  if (parsed.isMapped4()) return parsed.to4().correctForm();
  return new Address6(`${address}/64`).startAddress().correctForm();
};
