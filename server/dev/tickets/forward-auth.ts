import type { FastifyInstance, FastifyReply } from 'fastify';
import { request as send } from 'undici';

export type ForwardAuthOptions = {
  /** The BFF's base URL. */
  bffUrl: string;
  /** The backend for which the assertion is. */
  audience: string;
};

/** Milliseconds after which the BFF counts as unavailable. */
const timeoutMs = 10_000;

const refuse = (reply: FastifyReply, status: number, error: string) => reply.code(status).send({ error });

/**
 * What a proxy does in front of the service: it asks `/bff/verify` about each request, and replaces the caller's
 * `x-auth-assertion`. In production, nginx or Caddy does it (docs/middleware.md); development servers have no proxy.
 */
export const registerForwardAuth = (server: FastifyInstance, { bffUrl, audience }: ForwardAuthOptions): void => {
  const verifyUrl = new URL(`/bff/verify?audience=${encodeURIComponent(audience)}`, bffUrl);

  const ask = async ({
    cookie,
    authorization,
  }: {
    cookie?: string | undefined;
    authorization?: string | undefined;
  }) => {
    try {
      const { statusCode, headers, body } = await send(verifyUrl, {
        headers: {
          ...(cookie === undefined ? {} : { cookie }),
          ...(authorization === undefined ? {} : { authorization }),
        },
        headersTimeout: timeoutMs,
      });
      await body.dump();
      return { status: statusCode, assertion: headers['x-auth-assertion'], reason: headers['x-auth-reason'] };
    } catch {
      return { status: 503, assertion: undefined, reason: undefined };
    }
  };

  server.addHook('onRequest', async ({ headers }, reply) => {
    const { status, assertion, reason } = await ask(headers);
    delete headers['x-auth-assertion'];
    switch (status) {
      case 200:
        headers['x-auth-assertion'] = assertion;
        return undefined;
      case 401:
        return refuse(reply, 401, reason === 'no_token' ? 'Authentication required' : 'Invalid token');
      case 403:
        return refuse(reply, 403, 'Insufficient permissions');
      default:
        return refuse(reply.header('retry-after', '1'), 503, 'Service unavailable');
    }
  });
};
