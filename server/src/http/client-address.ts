import { isIP } from 'node:net';
import { normalizeIP } from '@fastify/rate-limit';
import type { FastifyRequest } from 'fastify';

/** The address that a request came from, by TRUST_PROXY. What a trusted proxy passes on may be no address: then its own. */
export const clientAddressOf = ({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string =>
  isIP(ip) === 0 ? (socket.remoteAddress ?? '') : ip;

/** What limits by address go by: of IPv6 the network of 64 bits, all of which is one customer's. */
export const toNetwork = (address: string): string => normalizeIP(address);
