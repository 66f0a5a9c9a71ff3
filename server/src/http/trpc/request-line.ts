import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import { toUrl } from '../../platform/to-url.ts';

const methods = ['GET', 'HEAD', 'POST'];

/** Whether the adapter can make a `Request` of it: of the address and Host, without a user name or password. */
const createAddressCheck = () => {
  /** The last Host that an address could be made of. Nearly all requests come with the same. */
  let goodHost: string | null = null;
  return ({ url, headers }: FastifyRequest): boolean => {
    // A path alone makes an address with every Host that others do with.
    const isPath = /^\/[^/\\]/.test(url);
    if (isPath && headers.host !== undefined && headers.host === goodHost) return true;
    const base = `http://${headers.host ?? 'localhost'}`;
    const address = toUrl(url, base);
    const isGood = address?.username === '' && address.password === '';
    if (isGood && isPath) goodHost = headers.host ?? null;
    return isGood;
  };
};

/** Refuses methods that tRPC has no use for, and addresses that its adapter would fail on. */
export const registerRequestLine = (scope: FastifyInstance): void => {
  const hasAddress = createAddressCheck();
  scope.addHook('onRequest', (request, reply, done) => {
    if (!methods.includes(request.method)) {
      reply.header('allow', methods.join(', '));
      throw new AppError('method_not_allowed');
    }
    if (!hasAddress(request)) {
      throw new AppError('invalid_input', { message: 'The address or the Host header is malformed.', issues: [] });
    }
    done();
  });
};
