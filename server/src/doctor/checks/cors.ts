import Fastify from 'fastify';
import type { Config } from '../../config.ts';
import { registerCors } from '../../http/plugins/cors.ts';
import { type Finding, ok, problem, warning } from '../finding.ts';

const name = 'CORS_ORIGINS';

export type CheckCorsOptions = Pick<Config, 'corsOrigins' | 'cookieSecure'> & {
  /** Null if invalid. */
  authServiceUrl: string | null;
};

const isLocal = (origin: string) => /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|$)/.test(origin);

const toFinding = (origin: string, isAllowed: boolean, cookieSecure: boolean): Finding => {
  if (!isAllowed) {
    return problem(
      name,
      `${origin} is not allowed to call the BFF`,
      'Write it as browsers do: scheme, host, and port unless it is 80 or 443',
    );
  }
  return cookieSecure && origin.startsWith('http:') && !isLocal(origin)
    ? warning(
        name,
        `${origin} may call, but browsers send no Secure cookies from plain HTTP`,
        'Serve its pages over https',
      )
    : ok(name, `${origin} may call with credentials`);
};

/**
 * Sends a preflight request for each origin to the BFF's own CORS plugin, and checks whether the Auth Service's origin is
 * listed. Guide: "Configure CORS to allow Auth Service origin".
 */
export const checkCors = async (options: CheckCorsOptions): Promise<Finding[]> => {
  const { corsOrigins, cookieSecure, authServiceUrl } = options;
  if (corsOrigins.length === 0) return [ok(name, 'is not set: only pages of the same origin may call the BFF')];
  const server = Fastify({ logger: false });
  await registerCors(server, { corsOrigins });
  const isAllowed = async (origin: string) => {
    const { headers } = await server.inject({
      method: 'OPTIONS',
      url: '/trpc/session.login',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });
    return headers['access-control-allow-origin'] === origin && headers['access-control-allow-credentials'] === 'true';
  };
  try {
    const findings = await Promise.all(
      corsOrigins.map(async (origin) => toFinding(origin, await isAllowed(origin), cookieSecure)),
    );
    if (authServiceUrl === null) return findings;
    const { origin } = new URL(authServiceUrl);
    if (corsOrigins.includes(origin)) return findings;
    return [
      ...findings,
      warning(
        name,
        `the Auth Service's own origin, ${origin}, may not call, although the guide's checklist asks for it`,
        'Add its public origin if its pages call the BFF; otherwise ignore this',
      ),
    ];
  } finally {
    await server.close();
  }
};
