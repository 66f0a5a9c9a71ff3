import { type AuthResponse, type AuthRequest, json, methodNotAllowed } from '../http-messages.ts';
import { type EndpointName, findEndpoint } from '../endpoints.ts';
import { createGuideAccount } from './account.ts';
import { createGuideLookups } from './lookups.ts';
import { createGuideSessions } from './sessions.ts';
import type { Dependencies } from '../dependencies.ts';

/** The Auth Service as documented in the integration guide. */
export const createGuide = (dependencies: Dependencies) => {
  // Partial: the guide does not document all endpoints.
  const routes: Partial<Record<EndpointName, (request: AuthRequest) => AuthResponse | Promise<AuthResponse>>> = {
    ...createGuideLookups(dependencies),
    ...createGuideAccount(dependencies),
    ...createGuideSessions(dependencies),
  };

  return async (request: AuthRequest): Promise<AuthResponse> => {
    const endpoint = findEndpoint(request.path, request.method);
    const route = endpoint && routes[endpoint.name];
    if (!endpoint || !route) return json(404, { detail: 'Not found.' });
    if (!endpoint.isMethodAllowed) return methodNotAllowed(request.method, endpoint.allow);
    return route(request);
  };
};
