import { isIP, isIPv6 } from 'node:net';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { Address6 } from 'ip-address';

declare module 'fastify' {
  interface FastifyRequest {
    /** What `clientAddressOf` has found. Null: nobody has asked yet. */
    clientAddress: string | null;
  }
}

/** Gives each request a place for its address, so that it is worked out once. */
export const registerClientAddress = (server: FastifyInstance): void => {
  server.decorateRequest('clientAddress', null);
};

/** The address that a request came from, by TRUST_PROXY. What a trusted proxy passes on may be no address: then its own. */
export const clientAddressOf = (request: Pick<FastifyRequest, 'ip' | 'socket' | 'clientAddress'>): string => {
  if (request.clientAddress === null) {
    const { ip, socket } = request;
    request.clientAddress = isIP(ip) === 0 ? (socket.remoteAddress ?? '') : ip;
  }
  return request.clientAddress;
};

/** What limits by address go by: of IPv6 the network of 64 bits, all of which is one customer's, and IPv4 also where it is spelt as IPv6. */
export const toNetwork = (address: string): string => {
  if (!isIPv6(address)) return address.toLowerCase();
  const parsed = new Address6(address);
  if (parsed.isMapped4()) return parsed.to4().correctForm();
  return new Address6(`${address}/64`).startAddress().correctForm();
};
