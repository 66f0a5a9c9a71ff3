import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';

/** Names and values in turn, as they came. */
const countHosts = (rawHeaders: readonly string[]): number => {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
};

/** Refuses a request of HTTP/1.1 without Host, or with several. Source: RFC 9112, 3.2. */
export const registerHost = (server: FastifyInstance): void => {
  server.addHook('onRequest', ({ raw }, _reply, done) => {
    const hosts = countHosts(raw.rawHeaders);
    if (hosts === 1 || (hosts === 0 && raw.httpVersion === '1.0')) return done();
    throw new AppError('invalid_input', { message: 'The request must have one Host header.', issues: [] });
  });
};
