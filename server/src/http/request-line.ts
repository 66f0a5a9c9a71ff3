import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../errors.ts';

const methods = ['GET', 'HEAD', 'POST'];

/** Whether the adapter can make a `Request` of it: of the address and Host, without a user name or password. */
const hasAddress = ({ url, headers }: FastifyRequest): boolean => {
  const base = `http://${headers.host ?? 'localhost'}`;
  if (!URL.canParse(url, base)) return false;
  const { username, password } = new URL(url, base);
  return username === '' && password === '';
};

/** Refuses methods that tRPC has no use for, and addresses that its adapter would fail on. */
export const registerRequestLine = (scope: FastifyInstance): void => {
  scope.addHook('onRequest', async (request, reply) => {
    if (!methods.includes(request.method)) {
      reply.header('allow', methods.join(', '));
      throw new AppError('method_not_allowed');
    }
    if (!hasAddress(request)) {
      throw new AppError('invalid_input', { message: 'The address or the Host header is malformed.', issues: [] });
    }
  });
};
