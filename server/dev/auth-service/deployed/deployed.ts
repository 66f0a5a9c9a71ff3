import { type EndpointName, findEndpoint } from '../endpoints.ts';
import {
  type AuthResponse,
  type AuthRequest,
  html,
  methodNotAllowed,
  redirect,
  serverError,
} from '../http-messages.ts';
import type { Dependencies } from '../dependencies.ts';
import { createDeployedAccount } from './account.ts';
import { createDeployedCallers, type DeployedCaller } from './caller.ts';
import { createEmployeeSignIn } from './employee-sign-in.ts';
import { isForEmployeesOnly, isLoginPage, isPublic, redirectToLogin, missingSlashResponse } from './login-required.ts';
import type { DeployedRequest, Handler } from './guards.ts';
import { createDeployedLookups } from './lookups.ts';
import { createDeployedRoleLists } from './role-lists.ts';
import { createDeployedSessions, createDjangoSessions } from './sessions.ts';
import { createStaffSignIn } from './staff-sign-in.ts';

const MAX_COOKIE_HEADER_BYTES = 8 * 1024;

/** Endpoints that accept the token of a deleted staff user. All others answer 500. */
const acceptsDeletedStaff = new Set<EndpointName>(['employee', 'staff-internal', 'refresh']);

/** With Django's DEBUG on, a browser gets an HTML page around the JSON. */
const forBrowsers = (answer: AuthResponse, accept = ''): AuthResponse => {
  const isJson = String(answer.headers['content-type']).includes('json');
  if (!isJson || !accept.startsWith('text/html')) return answer;
  const page = html(answer.status, 'Django REST framework');
  return { ...page, headers: { ...answer.headers, ...page.headers } };
};

/** The Auth Service as deployed, including the upstream vulnerabilities that the BFF closes. */
export const createDeployed = (dependencies: Dependencies) => {
  const sessions = createDjangoSessions();
  const callers = createDeployedCallers(dependencies);
  const routes: Record<EndpointName, Handler> = {
    ...createDeployedLookups(dependencies, callers),
    ...createDeployedRoleLists(dependencies),
    ...createDeployedAccount(dependencies),
    ...createStaffSignIn(dependencies),
    ...createEmployeeSignIn(dependencies),
    ...createDeployedSessions(dependencies, sessions),
  };

  /** The response of the middleware before all endpoints. Null: the request continues. */
  const runMiddleware = (
    { method, path, cookies }: AuthRequest,
    caller: DeployedCaller | null,
  ): AuthResponse | null => {
    if (caller === null && !isPublic(path)) {
      sessions.end(cookies.get('sessionid') ?? '');
      return redirectToLogin(dependencies.now());
    }
    if (!path.endsWith('/') && findEndpoint(path, method) === null) return missingSlashResponse(method, path);
    if (caller?.type === 'staff' && isForEmployeesOnly(path)) return redirect(302, '/staff/settings/profile/');
    return null;
  };

  const answerEndpoint = (request: DeployedRequest): AuthResponse | Promise<AuthResponse> => {
    const endpoint = findEndpoint(request.path, request.method);
    const isDeletedStaff = request.caller?.type === 'staff' && request.caller.staff === null;
    if (isDeletedStaff && !(endpoint && acceptsDeletedStaff.has(endpoint.name))) return serverError();
    if (isLoginPage(request.path)) return html(200, 'Sign in');
    if (!endpoint) return html(404, 'Not Found');
    if (!endpoint.isMethodAllowed) return methodNotAllowed(request.method, endpoint.allow);
    return routes[endpoint.name](request);
  };

  return async (request: AuthRequest): Promise<AuthResponse> => {
    const { headers, cookies } = request;
    if (Buffer.byteLength(headers.cookie ?? '') > MAX_COOKIE_HEADER_BYTES) return html(400, 'Bad Request');
    const caller = await callers.fromRequest(request);
    const early = runMiddleware(request, caller);
    if (early) return early;
    const view = { host: headers.host ?? '', chosenSystem: sessions.chosenSystem(cookies.get('sessionid') ?? '') };
    return forBrowsers(await answerEndpoint({ ...request, caller, view }), headers.accept);
  };
};
