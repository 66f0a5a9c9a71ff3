import { maxUrlBytes } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';

/** Refuses a URL over 12 kB. The body's limit is the server's own; the batch's is tRPC's. */
export const registerUrlLimit = (server: FastifyInstance): void => {
  // After every onRequest hook: without the headers of CORS an allowed origin could not read why it was refused.
  server.addHook('preParsing', (request, _reply, _payload, done) => {
    if (Buffer.byteLength(request.url) > maxUrlBytes) {
      throw new AppError('payload_too_large', {
        message: `The URL has more than ${maxUrlBytes} bytes: send fewer calls in a batch.`,
      });
    }
    done();
  });
};
