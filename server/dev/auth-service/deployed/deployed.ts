import { type EndpointName, findEndpoint } from '../endpoints.ts';
import { type AuthResponse, type AuthRequest, html, json, redirect, serverError } from '../http-messages.ts';
import type { Dependencies } from '../dependencies.ts';
import { createDeployedCallers, type DeployedCaller } from './caller.ts';
import { createEmployeeSignIn } from './employee-sign-in.ts';
import { isForEmployeesOnly, isLoginPage, isPublic, redirectToLogin, missingSlashResponse } from './login-required.ts';
import type { DeployedRequest, Handler } from './guards.ts';
import { createDeployedLookups } from './lookups.ts';
import { createDeployedRoleLists } from './role-lists.ts';
import { createDeployedSessions, createDjangoSessions } from './sessions.ts';
import { createStaffSignIn } from './staff-sign-in.ts';

const MAX_COOKIE_HEADER_BYTES = 8 * 1024;

/** A deleted staff user's token makes every other endpoint fail. */
const answersDeletedStaff = new Set<EndpointName>(['employee', 'staff-internal', 'refresh']);

const methodNotAllowed = (method: string, allowed: string): AuthResponse => {
  const refused = json(405, { detail: `Method "${method}" not allowed.` });
  return { ...refused, headers: { ...refused.headers, allow: allowed } };
};

/** In DEBUG mode a browser gets a page around the JSON. */
const forBrowsers = (answer: AuthResponse, accept = ''): AuthResponse => {
  const isJson = String(answer.headers['content-type']).includes('json');
  if (!isJson || !accept.startsWith('text/html')) return answer;
  const page = html(answer.status, 'Django REST framework');
  return { ...page, headers: { ...answer.headers, ...page.headers } };
};

/** The Auth Service as people run it, with its holes as far as the BFF closes them. */
export const createDeployed = (service: Dependencies) => {
  const sessions = createDjangoSessions();
  const callers = createDeployedCallers(service);
  const routes: Record<EndpointName, Handler> = {
    ...createDeployedLookups(service, callers),
    ...createDeployedRoleLists(service),
    ...createStaffSignIn(service),
    ...createEmployeeSignIn(service),
    ...createDeployedSessions(service, sessions),
  };

  /** What the middleware before all endpoints answers. Null: it lets the request through. */
  const refusedBefore = (
    { method, path, cookies }: AuthRequest,
    caller: DeployedCaller | null,
  ): AuthResponse | null => {
    if (caller === null && !isPublic(path)) {
      sessions.end(cookies.get('sessionid') ?? '');
      return redirectToLogin(service.now());
    }
    if (!path.endsWith('/')) return missingSlashResponse(method, path);
    if (caller?.type === 'staff' && isForEmployeesOnly(path)) return redirect(302, '/staff/settings/profile/');
    return null;
  };

  const answerEndpoint = (request: DeployedRequest): AuthResponse | Promise<AuthResponse> => {
    const endpoint = findEndpoint(request.path);
    const isDeletedStaff = request.caller?.type === 'staff' && request.caller.staff === null;
    if (isDeletedStaff && !(endpoint && answersDeletedStaff.has(endpoint.name))) return serverError();
    if (isLoginPage(request.path)) return html(200, 'Sign in');
    if (!endpoint) return html(404, 'Not Found');
    if (request.method !== endpoint.method) return methodNotAllowed(request.method, endpoint.method);
    return routes[endpoint.name](request);
  };

  return async (request: AuthRequest): Promise<AuthResponse> => {
    const { headers, cookies } = request;
    if (Buffer.byteLength(headers.cookie ?? '') > MAX_COOKIE_HEADER_BYTES) return html(400, 'Bad Request');
    const caller = await callers.fromRequest(request);
    const refused = refusedBefore(request, caller);
    if (refused) return refused;
    const view = { host: headers.host ?? '', chosenSystem: sessions.chosenSystem(cookies.get('sessionid') ?? '') };
    return forBrowsers(await answerEndpoint({ ...request, caller, view }), headers.accept);
  };
};
