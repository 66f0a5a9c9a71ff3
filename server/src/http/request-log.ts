import type { Log } from '../log.ts';
import type { RequestNotes } from '../request-notes.ts';
import type { OnRequestEnd } from './request-notes.ts';
import { safePath } from '../safe-path.ts';

export type RequestLogOptions = {
  log: Log;
  /** Milliseconds of a clock that only goes forward. */
  clock: () => number;
};

const unlessNone = (name: string, count: number): Record<string, number> => (count === 0 ? {} : { [name]: count });

const fieldsOf = (notes: RequestNotes) => {
  const { procedures, calls, person, reasons, upstreamCalls, upstreamMs, cacheHits, cacheStale, sharedLoads } = notes;
  return {
    ...(procedures.length === 0 ? {} : { procedures }),
    ...(calls > 1 ? { calls } : {}),
    ...(person === null ? {} : { person: `${person.type} ${person.id}` }),
    ...(reasons.length === 0 ? {} : { reasons }),
    ...(upstreamCalls === 0 ? {} : { upstreamCalls, upstreamMs: Math.round(upstreamMs) }),
    ...unlessNone('cacheHits', cacheHits),
    ...unlessNone('cacheStale', cacheStale),
    ...unlessNone('sharedLoads', sharedLoads),
  };
};

/** One line a request: what was asked, by whom, how it ended, how long it took, and what it took. */
export const createRequestLog =
  ({ log, clock }: RequestLogOptions): OnRequestEnd =>
  ({ id, method, url, routeOptions }, { statusCode, raw }, notes) => {
    // Those who ask how we are ask every few seconds, and nobody wants to read it.
    const level = routeOptions.url?.startsWith('/health/') ? 'debug' : 'info';
    log[level](
      {
        requestId: id,
        method,
        path: safePath(url),
        status: statusCode,
        ms: Math.round(clock() - notes.startedAtMs),
        ...(raw.writableFinished ? {} : { clientLeft: true }),
        ...fieldsOf(notes),
      },
      'request',
    );
  };
