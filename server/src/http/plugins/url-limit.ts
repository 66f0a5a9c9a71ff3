import { maxUrlBytes } from '@auth-bff/shared';
import type { FastifyInstance } from 'fastify';
import { AppError } from '../../errors.ts';

/** Rejects a URL over 12 kB. Fastify limits the body, and tRPC the batch. */
export const registerUrlLimit = (server: FastifyInstance): void => {
  // After all onRequest hooks: without the CORS headers, an allowed origin could not read the error.
  server.addHook('preParsing', (request, _reply, _payload, done) => {
    if (Buffer.byteLength(request.url) > maxUrlBytes) {
      throw new AppError('payload_too_large', {
        message: `The URL has more than ${maxUrlBytes} bytes: send fewer calls in a batch.`,
      });
    }
    done();
  });
};
