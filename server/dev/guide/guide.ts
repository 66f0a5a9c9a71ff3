import { type Answer, type AuthRequest, json } from './exchange.ts';
import { findEndpoint } from './endpoints.ts';
import { createGuideLookups } from './routes-guide-lookups.ts';
import { createGuideSessions } from './routes-guide-sessions.ts';
import type { Service } from './service.ts';

/** The Auth Service as the integration guide documents it. */
export const createGuide = (service: Service) => {
  const routes = { ...createGuideLookups(service), ...createGuideSessions(service) };

  return async (request: AuthRequest): Promise<Answer> => {
    const endpoint = findEndpoint(request.path);
    if (!endpoint) return json(404, { detail: 'Not found.' });
    if (request.method !== endpoint.method) {
      const refused = json(405, { detail: `Method "${request.method}" not allowed.` });
      return { ...refused, headers: { ...refused.headers, allow: endpoint.method } };
    }
    return routes[endpoint.name](request);
  };
};
