import { type PersonType, resetTokenPattern } from '@auth-bff/shared';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { withParameters } from '../../config/page-url.ts';

export type ResetLinksOptions = {
  /** The frontend's page for a new password. */
  pageUrl: string;
};

/**
 * The paths that the Auth Service writes into the links of password-reset mails, each with and without its trailing slash.
 * Source: ../shared/design/auth-service-deployed.md, section 2. It chooses only the host by the BFF's request.
 */
export const resetLinkPaths: Readonly<Record<PersonType, readonly string[]>> = {
  staff: ['/api/v1/users/password/reset', '/api/v1/users/password/reset/'],
  employee: ['/employees/reset-password/', '/employees/reset-password'],
};

const tokenOf = ({ query }: FastifyRequest): string | null => {
  const { token } = query as { token?: unknown };
  return typeof token === 'string' && resetTokenPattern.test(token) ? token : null;
};

/**
 * Redirects the links of password-reset mails to the frontend's page, with the token and the type of the person. A missing
 * or malformed token leads to the page without one. Only the configuration decides where the redirect leads.
 */
export const registerResetLinks = (server: FastifyInstance, { pageUrl }: ResetLinksOptions): void => {
  const redirect = (as: PersonType, request: FastifyRequest, reply: FastifyReply): void => {
    const token = tokenOf(request);
    reply
      .headers({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
      .redirect(withParameters(pageUrl, token === null ? { as } : { token, as }), 303);
  };
  for (const as of ['staff', 'employee'] as const) {
    for (const path of resetLinkPaths[as]) {
      server.get(path, { config: { cors: false } }, (request, reply) => redirect(as, request, reply));
    }
  }
};
