import type { FastifyInstance } from 'fastify';
import { AppError } from '../errors.ts';

/** Refuses a request of HTTP/1.1 without Host, or with several. Source: RFC 9112, 3.2. */
export const registerHost = (server: FastifyInstance): void => {
  server.addHook('onRequest', async ({ raw }) => {
    const hosts = raw.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host');
    if (hosts.length === 1 || (hosts.length === 0 && raw.httpVersion === '1.0')) return;
    throw new AppError('invalid_input', { message: 'The request must have one Host header.', issues: [] });
  });
};
