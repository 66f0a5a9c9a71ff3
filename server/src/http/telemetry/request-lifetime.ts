import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { RequestNotes, RequestNotesKeeper } from './request-record.ts';

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where no hook has seen the request, as where its path cannot be read. */
    notes: RequestNotes | null;
  }
}

/** Told once a request is over: answered, or left by its client. */
export type OnRequestEnd = (request: FastifyRequest, reply: FastifyReply, notes: RequestNotes) => void;

export type RequestNotesOptions = {
  keeper: RequestNotesKeeper;
  onBegin: (request: FastifyRequest) => void;
  onEnd: readonly OnRequestEnd[];
};

/** Gives each request its notes, for as long as it is under way. */
export const registerRequestNotes = (
  server: FastifyInstance,
  { keeper, onBegin, onEnd }: RequestNotesOptions,
): void => {
  server.decorateRequest('notes', null);
  server.addHook('onRequest', (request, reply, done) => {
    const notes = keeper.begin(request.id);
    request.notes = notes;
    onBegin(request);
    // Not onResponse: that is never called where the client has left. It comes once; `once` would make a function more.
    reply.raw.on('close', () => {
      keeper.end(notes);
      for (const tell of onEnd) tell(request, reply, notes);
    });
    done();
  });
};

/** Notes which procedures a request calls. */
export const noteCalls = ({ notes }: FastifyRequest, procedures: string[], calls: number): void => {
  if (notes === null) return;
  notes.procedures = procedures;
  notes.calls = calls;
};
