import { safePath } from '@auth-bff/shared';
import type { FastifyRequest } from 'fastify';
import type { Log } from '../../platform/log.ts';
import { isRestRoute } from '../rest/is-rest-route.ts';
import { routePatternOf } from '../route-pattern.ts';
import type { OnRequestEnd } from './request-lifetime.ts';
import type { RequestRecord } from './request-record.ts';

export type RequestLogOptions = {
  log: Log;
  /** Monotonic milliseconds. */
  monotonicNow: () => number;
};

const listUnlessEmpty = (list: string[]): string[] | undefined => (list.length === 0 ? undefined : list);
const unlessZero = (count: number): number | undefined => (count === 0 ? undefined : count);

/** REST paths contain inputs, such as a company id, so the log has their pattern: `/bff/api/users/:id`. */
const toLoggedPath = (url: string, pattern: string): string => (isRestRoute(pattern) ? pattern : safePath(url));

type EndedRequest = {
  request: FastifyRequest;
  status: number;
  ms: number;
  hasClientLeft: boolean;
  record: RequestRecord;
};

const toFields = ({ request, status, ms, hasClientLeft, record }: EndedRequest) => ({
  requestId: request.id,
  ...record.trace,
  method: request.method,
  path: toLoggedPath(request.url, routePatternOf(request)),
  status,
  ms: Math.round(ms),
  // Undefined fields are left out of the line.
  clientLeft: hasClientLeft ? true : undefined,
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
});

/**
 * One line a request: procedures, person or service, status, duration, and the upstream calls and cache hits behind it. The
 * lines of the requests that end in one turn of the event loop are written together, because a line costs less after
 * another line than after other work.
 */
export const createRequestLog = ({ log, monotonicNow }: RequestLogOptions): OnRequestEnd => {
  let ended: EndedRequest[] = [];

  const writeLines = (): void => {
    const requests = ended;
    ended = [];
    for (const one of requests) {
      // Health checks arrive every few seconds.
      const level = routePatternOf(one.request).startsWith('/health/') ? 'debug' : 'info';
      log[level](toFields(one), 'request');
    }
  };

  return (request, { statusCode: status, raw }, record) => {
    const ms = monotonicNow() - record.startedAtMs;
    ended.push({ request, status, ms, hasClientLeft: !raw.writableFinished, record });
    if (ended.length === 1) setImmediate(writeLines);
  };
};
