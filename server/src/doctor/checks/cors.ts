import Fastify from 'fastify';
import type { Config } from '../../config.ts';
import { registerCors } from '../../http/plugins/cors.ts';
import { type Finding, ok, problem, warning } from '../finding.ts';

const name = 'CORS_ORIGINS';

export type CheckCorsOptions = Pick<Config, 'corsOrigins' | 'cookieSecure'> & {
  /** Null: it is at fault. */
  authServiceUrl: string | null;
};

/**
 * Whether the BFF's own CORS lets each origin call with credentials, asked by a preflight, and whether the Auth Service
 * is among them. Guide: "Configure CORS to allow Auth Service origin".
 */
export const checkCors = async (options: CheckCorsOptions): Promise<Finding[]> => {
  const { corsOrigins, cookieSecure, authServiceUrl } = options;
  if (corsOrigins.length === 0) {
    return [ok(name, 'is not set: the pages of the BFF itself may call, which needs no CORS, and no others')];
  }
  const server = Fastify({ logger: false });
  await registerCors(server, { corsOrigins });
  const isAdmitted = async (origin: string) => {
    const { headers } = await server.inject({
      method: 'OPTIONS',
      url: '/trpc/session.login',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'content-type' },
    });
    return headers['access-control-allow-origin'] === origin && headers['access-control-allow-credentials'] === 'true';
  };
  const isLocal = (origin: string) => /^http:\/\/(localhost|127\.0\.0\.1|\[::1\])(:|$)/.test(origin);
  const ofOrigin = async (origin: string): Promise<Finding> => {
    if (!(await isAdmitted(origin))) {
      return problem(
        name,
        `${origin} is not let in`,
        'Write it as a browser does: scheme, host, and port if not 80 or 443',
      );
    }
    return cookieSecure && origin.startsWith('http:') && !isLocal(origin)
      ? warning(name, `${origin} is let in, but from plain HTTP no cookie comes along`, 'Serve its pages by https')
      : ok(name, `${origin} may call with credentials`);
  };
  try {
    const findings = await Promise.all(corsOrigins.map(ofOrigin));
    if (authServiceUrl === null) return findings;
    const { origin } = new URL(authServiceUrl);
    if (corsOrigins.includes(origin)) return findings;
    return [
      ...findings,
      warning(
        name,
        `the Auth Service's own origin, ${origin}, may not call, which the guide's checklist asks for`,
        'Add its public origin if it has pages that call the BFF; else nothing has to be done',
      ),
    ];
  } finally {
    await server.close();
  }
};
