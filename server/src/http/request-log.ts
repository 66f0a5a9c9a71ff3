import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Log } from '../log.ts';
import type { Principal } from '../token/principal.ts';
import { safePath } from '../safe-path.ts';

export type RequestLogOptions = { log: Log };

type Notes = { person?: string; reasons: Set<string> };

/** One line a request: what was asked, by whom, how it ended and how long it took. */
export const createRequestLog = ({ log }: RequestLogOptions) => {
  const notes = new WeakMap<FastifyRequest, Notes>();
  const notesOf = (request: FastifyRequest): Notes => {
    const known = notes.get(request) ?? { reasons: new Set() };
    notes.set(request, known);
    return known;
  };

  return {
    /** Who asks, by type and number alone. */
    notePerson(request: FastifyRequest, { type, id }: Pick<Principal, 'type' | 'id'>): void {
      notesOf(request).person = `${type} ${id}`;
    },
    /** Why something in the request failed. */
    noteReason(request: FastifyRequest, reason: string): void {
      notesOf(request).reasons.add(reason);
    },
    register(server: FastifyInstance): void {
      server.addHook('onResponse', async (request, reply) => {
        const { person, reasons } = notesOf(request);
        // Those who ask how we are ask every few seconds, and nobody wants to read it.
        const level = request.routeOptions.url?.startsWith('/health/') ? 'debug' : 'info';
        log[level](
          {
            requestId: request.id,
            method: request.method,
            path: safePath(request.url),
            status: reply.statusCode,
            ms: Math.round(reply.elapsedTime),
            ...(person === undefined ? {} : { person }),
            ...(reasons.size === 0 ? {} : { reasons: [...reasons] }),
          },
          'request',
        );
      });
    },
  };
};
