import { safePath } from '@auth-bff/shared';
import type { Log } from '../../platform/log.ts';
import { isRestRoute } from '../rest/is-rest-route.ts';
import { routePatternOf } from '../route-pattern.ts';
import type { OnRequestEnd } from './request-lifetime.ts';

export type RequestLogOptions = {
  log: Log;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

const listUnlessEmpty = (list: string[]): string[] | undefined => (list.length === 0 ? undefined : list);
const unlessZero = (count: number): number | undefined => (count === 0 ? undefined : count);

/** REST paths contain inputs, such as a company id, so the log has their pattern: `/bff/api/users/:id`. */
const toLoggedPath = (url: string, pattern: string): string => (isRestRoute(pattern) ? pattern : safePath(url));

/** One line a request: procedures, person or service, status, duration, and the upstream calls and cache hits behind it. */
export const createRequestLog =
  ({ log, monotonicNow }: RequestLogOptions): OnRequestEnd =>
  (request, { statusCode, raw }, record) => {
    const { id, method, url } = request;
    const pattern = routePatternOf(request);
    // Health checks arrive every few seconds.
    const level = pattern.startsWith('/health/') ? 'debug' : 'info';
    log[level](
      {
        requestId: id,
        ...record.trace,
        method,
        path: toLoggedPath(url, pattern),
        status: statusCode,
        ms: Math.round(monotonicNow() - record.startedAtMs),
        // Undefined fields are left out of the line.
        clientLeft: raw.writableFinished ? undefined : true,
        procedures: listUnlessEmpty(record.procedures),
        calls: record.calls > 1 ? record.calls : undefined,
        person: record.person === null ? undefined : `${record.person.type} ${record.person.id}`,
        service: record.service ?? undefined,
        reasons: listUnlessEmpty(record.reasons),
        upstreamCalls: unlessZero(record.upstreamCalls),
        upstreamMs: record.upstreamCalls === 0 ? undefined : Math.round(record.upstreamMs),
        cacheHits: unlessZero(record.cacheHits),
        cacheStale: unlessZero(record.cacheStale),
        sharedLoads: unlessZero(record.sharedLoads),
      },
      'request',
    );
  };
