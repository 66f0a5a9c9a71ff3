import type { FastifyRequest } from 'fastify';
import { personOf, serviceCallerName } from '../auth-service/caller.ts';

/**
 * Whose work an answer is, for a fair share of the event loop: the service, the person, or the request alone. A caller with
 * many requests must not get a share for each.
 */
export const workSourceOf = ({ id, record }: Pick<FastifyRequest, 'id' | 'record'>): string => {
  const { person = null, service = null } = record ?? {};
  if (service !== null) return serviceCallerName({ name: service });
  return person === null ? id : personOf(person);
};
