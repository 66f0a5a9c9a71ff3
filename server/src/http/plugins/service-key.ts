import { serviceKeyHeader } from '@auth-bff/shared';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { AppError } from '../../errors.ts';
import { isServiceKey } from '../../service-access/new-service-key.ts';
import type { Service, ServiceKeys } from '../../service-access/service-keys.ts';
import { presentedTokens } from './request-tokens.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Cached by `ServiceLookup`. Null: the key was not read yet. */
    presentedService: { service: Service | AppError | null } | null;
  }
}

/** The service that sent a request, or the error of its key. Null: a person or a visitor sent it. */
export type ServiceLookup = (request: FastifyRequest) => Service | AppError | null;

const refuse = (message: string) => new AppError('token_invalid', { message });

/** Decorates requests, so that a key is compared once per request. A session takes precedence over a key. */
export const registerServiceKeys = (server: FastifyInstance, serviceKeys: ServiceKeys): ServiceLookup => {
  server.decorateRequest('presentedService', null);

  const read = (request: FastifyRequest, key: string | string[]): Service | AppError | null => {
    const { accessTokens, refreshTokens } = presentedTokens(request);
    if (accessTokens.length > 0 || refreshTokens.length > 0) return null;
    // Node joins the values of a header that came twice by a comma, which no key has.
    if (typeof key !== 'string' || !isServiceKey(key)) {
      return refuse('X-API-Key is not one key of 32 to 256 printable ASCII characters, without spaces and commas.');
    }
    const service = serviceKeys.find(key);
    if (service === null) return refuse('The key in X-API-Key is not known: SERVICE_KEYS has no hash of it.');
    if (request.record !== null) request.record.service = service.name;
    return service;
  };

  return (request) => {
    const key = request.headers[serviceKeyHeader];
    if (key === undefined || key === '') return null;
    request.presentedService ??= { service: read(request, key) };
    return request.presentedService.service;
  };
};
