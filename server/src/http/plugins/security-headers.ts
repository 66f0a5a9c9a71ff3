import type { FastifyInstance } from 'fastify';

export type SecurityHeadersOptions = { cookieSecure: boolean };

/**
 * What every answer tells browsers: these answers are JSON, and are neither shown, nor framed, nor taken for anything else.
 * Cross-Origin-Resource-Policy concerns what is loaded without CORS alone, so allowed origins still read their answers.
 * Source: OWASP, REST Security Cheat Sheet ("Security Headers").
 */
export const securityHeaders = ({ cookieSecure }: SecurityHeadersOptions): Record<string, string> => ({
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Of this host alone: whether its subdomains are served over TLS is not for the BFF to say.
  ...(cookieSecure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
});

/** Puts them on every answer that Fastify routes. */
export const registerSecurityHeaders = (server: FastifyInstance, headers: Record<string, string>): void => {
  server.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
};
