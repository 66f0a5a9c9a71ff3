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

const headerCount = ({ raw: { rawHeaders } }: FastifyRequest, name: string): number =>
  rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length;

/** Decorates requests, so that a key is compared once per request. A session takes precedence over a key. */
export const registerServiceKeys = (server: FastifyInstance, serviceKeys: ServiceKeys): ServiceLookup => {
  server.decorateRequest('presentedService', null);

  const read = (request: FastifyRequest, key: string | string[]): Service | AppError | null => {
    const { accessTokens, refreshTokens } = presentedTokens(request);
    if (accessTokens.length > 0 || refreshTokens.length > 0) return null;
    if (headerCount(request, serviceKeyHeader) > 1) return refuse('The request carries X-API-Key more than once.');
    // Node joins the values of a header that came twice, so that none is an array.
    if (typeof key !== 'string' || !isServiceKey(key)) {
      return refuse('The value of X-API-Key is not a key: it has 32 to 256 printable ASCII characters.');
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
