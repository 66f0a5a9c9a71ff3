import type { FastifyInstance } from 'fastify';

export type SecurityHeadersOptions = { cookieSecure: boolean };

/**
 * Headers of every response. All responses are JSON: browsers must not render, frame or sniff them.
 * Cross-Origin-Resource-Policy applies only to loads without CORS, so allowed origins can still read responses.
 * Source: OWASP, REST Security Cheat Sheet ("Security Headers").
 */
export const toSecurityHeaders = ({ cookieSecure }: SecurityHeadersOptions): Record<string, string> => ({
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Without includeSubDomains: the BFF does not know whether subdomains are served over TLS.
  ...(cookieSecure ? { 'strict-transport-security': 'max-age=31536000' } : {}),
});

/** Adds the headers to every response of a routed request, unless its route has set others. */
export const registerSecurityHeaders = (server: FastifyInstance, headers: Record<string, string>): void => {
  const list = Object.entries(headers);
  server.addHook('onSend', (_request, reply, payload, done) => {
    for (const [name, value] of list) if (!reply.hasHeader(name)) reply.header(name, value);
    done(null, payload);
  });
};
