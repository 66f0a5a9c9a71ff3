import type { FastifyInstance, FastifyRequest } from 'fastify';

declare module 'fastify' {
  interface FastifyRequest {
    /** Cached by `routePatternOf`. Null: not read yet. */
    routePattern: string | null;
  }
}

/** Gives each request a place for the pattern of its route: each read of `routeOptions` creates an object. */
export const registerRoutePattern = (server: FastifyInstance): void => {
  server.decorateRequest('routePattern', null);
};

/** The pattern of the matched route, such as `/trpc/:path`. Empty: no route matched. */
export const routePatternOf = (request: Pick<FastifyRequest, 'routeOptions' | 'routePattern'>): string => {
  request.routePattern ??= request.routeOptions.url ?? '';
  return request.routePattern;
};
