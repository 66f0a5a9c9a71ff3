import { type AuthResponse, type AuthRequest, json } from '../http-messages.ts';
import { type EndpointName, findEndpoint } from '../endpoints.ts';
import { createGuideLookups } from './lookups.ts';
import { createGuideSessions } from './sessions.ts';
import type { Dependencies } from '../dependencies.ts';

/** The Auth Service as the integration guide documents it. */
export const createGuide = (service: Dependencies) => {
  // What the guide does not document is not there.
  const routes: Partial<Record<EndpointName, (request: AuthRequest) => AuthResponse | Promise<AuthResponse>>> = {
    ...createGuideLookups(service),
    ...createGuideSessions(service),
  };

  return async (request: AuthRequest): Promise<AuthResponse> => {
    const endpoint = findEndpoint(request.path);
    const route = endpoint && routes[endpoint.name];
    if (!endpoint || !route) return json(404, { detail: 'Not found.' });
    if (request.method !== endpoint.method) {
      const refused = json(405, { detail: `Method "${request.method}" not allowed.` });
      return { ...refused, headers: { ...refused.headers, allow: endpoint.method } };
    }
    return route(request);
  };
};
