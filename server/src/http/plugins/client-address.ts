import { isIP, isIPv6 } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { toCanonicalAddress } from '../../platform/ip-address.ts';

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
/** The address in one entry of X-Forwarded-For, without port, brackets and zone. Null: it has none (`unknown`, `_hidden`). */
export const toAddress = (entry: string): string | null => {
  if (entry.length > maxEntryLength) return null;
  const text = entry.trim().replace(/^"(.*)"$/, '$1');
  if (isIP(text) !== 0) return toCanonicalAddress(text);
  const inBrackets = bracketed.exec(text)?.[1];
  if (inBrackets !== undefined) return isIPv6(inBrackets) ? toCanonicalAddress(inBrackets) : null;
  const before = v4WithPort.exec(text)?.[1] ?? v6WithPort.exec(text)?.[1] ?? '';
  return isIP(before) === 0 ? null : toCanonicalAddress(before);
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

type Addressed = Pick<FastifyRequest, 'ip' | 'socket' | 'clientAddress'> & { ips?: string[] | undefined };

/** Of each connection without a trusted proxy, whose requests all have its address. */
const peerAddresses = new WeakMap<object, string>();

const peerAddressOf = ({ socket }: Addressed): string => {
  const known = peerAddresses.get(socket);
  if (known !== undefined) return known;
  const address = toCanonicalAddress(socket.remoteAddress ?? '');
  if (address !== '') peerAddresses.set(socket, address);
  return address;
};

const findAddress = (request: Addressed): string => {
  // `ips` goes from the peer of this socket to the client. It is set only behind a trusted proxy.
  if (request.ips === undefined) return peerAddressOf(request);
  const address = request.ips.findLast((entry) => isIP(entry) !== 0);
  return address === undefined ? peerAddressOf(request) : toCanonicalAddress(address);
};

/**
 * The canonical client address of a request, by TRUST_PROXY. If the client's entry has no address: the address of the
 * proxy closest to the client that has one.
 */
export const clientAddressOf = (request: Addressed): string => {
  request.clientAddress ??= findAddress(request);
  return request.clientAddress;
};
