import { createDeployedCallers } from './deployed-caller.ts';
import { type EndpointName, findEndpoint } from './endpoints.ts';
import { type Answer, type AuthRequest, html, json, redirect, serverError } from './exchange.ts';
import { createDeployedLookups } from './routes-deployed-lookups.ts';
import { createDeployedSessions } from './routes-deployed-sessions.ts';
import type { Service } from './service.ts';

const LONGEST_COOKIE_HEADER_BYTES = 8 * 1024;
const LOGIN_PAGE = '/login/';

const isPage = (path: string) => path === LOGIN_PAGE || findEndpoint(path) !== null;

const withoutSlash = ({ method, path }: AuthRequest): Answer | null => {
  if (path.endsWith('/') || !isPage(`${path}/`)) return null;
  return method === 'GET' ? redirect(301, `${path}/`) : serverError();
};

// These answer without a person, or settle by themselves what becomes of a person who is gone.
const ownRules = new Set<EndpointName>([
  'employee',
  'staff-internal',
  'me',
  'employee-profile',
  'refresh',
  'employee-refresh',
  'employee-logout',
]);

const answerOf = async (
  request: AuthRequest,
  callers: ReturnType<typeof createDeployedCallers>,
  routes: ReturnType<typeof createDeployedLookups> & ReturnType<typeof createDeployedSessions>,
): Promise<Answer> => {
  if (Buffer.byteLength(request.headers.cookie ?? '') > LONGEST_COOKIE_HEADER_BYTES) return html(400, 'Bad Request');
  const redirected = withoutSlash(request);
  if (redirected) return redirected;
  const caller = await callers.ofCookies(request);
  const endpoint = findEndpoint(request.path);
  if (caller?.staff === null && !(endpoint && ownRules.has(endpoint.name))) return serverError();
  if (request.path === LOGIN_PAGE) return html(200, 'Sign in');
  if (!endpoint) return html(404, 'Not Found');
  if (request.method !== endpoint.method) {
    const refused = json(405, { detail: `Method "${request.method}" not allowed.` });
    return { ...refused, headers: { ...refused.headers, allow: endpoint.method } };
  }
  return routes[endpoint.name](request, caller);
};

/** The Auth Service as people run it, with its holes. */
export const createDeployed = (service: Service) => {
  const callers = createDeployedCallers(service);
  const routes = { ...createDeployedLookups(service, callers), ...createDeployedSessions(service) };

  return (request: AuthRequest): Promise<Answer> => answerOf(request, callers, routes);
};
