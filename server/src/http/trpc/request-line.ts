import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import { toUrl } from '../../platform/to-url.ts';

const methods = ['GET', 'HEAD', 'POST'];

/** Whether URL and Host form a valid URL without credentials, from which tRPC's adapter can create a `Request`. */
const createUrlCheck = () => {
  /** The last valid Host: nearly all requests have the same one. */
  let validHost: string | null = null;
  return ({ url, headers }: FastifyRequest): boolean => {
    // A plain path is valid with every valid Host.
    const isPath = /^\/[^/\\]/.test(url);
    if (isPath && headers.host !== undefined && headers.host === validHost) return true;
    const base = `http://${headers.host ?? 'localhost'}`;
    const parsed = toUrl(url, base);
    const isValid = parsed?.username === '' && parsed.password === '';
    if (isValid && isPath) validHost = headers.host ?? null;
    return isValid;
  };
};

/** Rejects methods that tRPC does not use, and URLs on which its adapter would fail. */
export const registerRequestLine = (scope: FastifyInstance): void => {
  const hasValidUrl = createUrlCheck();
  scope.addHook('onRequest', (request, reply, done) => {
    if (!methods.includes(request.method)) {
      reply.header('allow', methods.join(', '));
      throw new AppError('method_not_allowed');
    }
    if (!hasValidUrl(request)) {
      throw new AppError('invalid_input', { message: 'The URL or the Host header is malformed.', issues: [] });
    }
    done();
  });
};
