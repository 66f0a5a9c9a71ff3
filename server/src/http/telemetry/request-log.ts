import type { Log } from '../../platform/log.ts';
import type { OnRequestEnd } from './request-notes.ts';
import { safePath } from '../../api/safe-path.ts';

export type RequestLogOptions = {
  log: Log;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

const listUnlessEmpty = (list: string[]): string[] | undefined => (list.length === 0 ? undefined : list);
const unlessNone = (count: number): number | undefined => (count === 0 ? undefined : count);

/** One line a request: what was asked, by whom, how it ended, how long it took, and what it took. */
export const createRequestLog =
  ({ log, monotonicNow }: RequestLogOptions): OnRequestEnd =>
  ({ id, method, url, routeOptions }, { statusCode, raw }, notes) => {
    // Those who ask how we are ask every few seconds, and nobody wants to read it.
    const level = routeOptions.url?.startsWith('/health/') ? 'debug' : 'info';
    log[level](
      {
        requestId: id,
        method,
        path: safePath(url),
        status: statusCode,
        ms: Math.round(monotonicNow() - notes.startedAtMs),
        // What is undefined is left out of the line.
        clientLeft: raw.writableFinished ? undefined : true,
        procedures: listUnlessEmpty(notes.procedures),
        calls: notes.calls > 1 ? notes.calls : undefined,
        person: notes.person === null ? undefined : `${notes.person.type} ${notes.person.id}`,
        reasons: listUnlessEmpty(notes.reasons),
        upstreamCalls: unlessNone(notes.upstreamCalls),
        upstreamMs: notes.upstreamCalls === 0 ? undefined : Math.round(notes.upstreamMs),
        cacheHits: unlessNone(notes.cacheHits),
        cacheStale: unlessNone(notes.cacheStale),
        sharedLoads: unlessNone(notes.sharedLoads),
      },
      'request',
    );
  };
