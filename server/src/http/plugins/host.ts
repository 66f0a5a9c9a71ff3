import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';

/** `rawHeaders` alternates names and values. */
const countHosts = (rawHeaders: readonly string[]): number => {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts;
};

/** Rejects an HTTP/1.1 request without exactly one Host header. Source: RFC 9112, 3.2. */
export const registerHost = (server: FastifyInstance): void => {
  server.addHook('onRequest', ({ raw }, _reply, done) => {
    const hosts = countHosts(raw.rawHeaders);
    if (hosts === 1 || (hosts === 0 && raw.httpVersion === '1.0')) return done();
    throw new AppError('invalid_input', { message: 'The request must have exactly one Host header.', issues: [] });
  });
};
