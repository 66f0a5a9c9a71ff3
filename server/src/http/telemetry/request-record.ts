import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import type { Principal } from '../../token/principal.ts';
import { createBoundedMap } from '../../platform/bounded-map.ts';
import { createSteadyMap } from '../../platform/steady-map.ts';
import type { TraceIds } from './log-with-trace.ts';
import type { RequestSpan } from './spans.ts';
import type { TraceHeaders } from './tracing.ts';

/** What is collected about one request while it is in flight, for its log line and its span, and for the response timeout. */
export type RequestRecord = {
  readonly id: string;
  readonly socket: Socket;
  /** Its place among all records. */
  index: number;
  /** Checks of the response timeout since its begin. Null: the timeout does not apply, as for a stream. */
  timeoutChecks: number | null;
  /** Monotonic milliseconds. */
  readonly startedAtMs: number;
  /** The procedures called, each once. A name that is not one of ours is `unknown`. */
  procedures: string[];
  /** Calls in the request: more than one in a batch. */
  calls: number;
  person: Pick<Principal, 'type' | 'id'> | null;
  /** The name of the service that called by its key. */
  service: string | null;
  /** Reasons of failed calls, each once. */
  reasons: string[];
  /** Attempts to call the Auth Service that this request caused, and their total duration. */
  upstreamCalls: number;
  upstreamMs: number;
  /** Lookups answered from the cache: fresh entries, and stale ones. */
  cacheHits: number;
  cacheStale: number;
  /** Lookups that joined an in-flight load. The upstream calls of that load are counted for the request that started it. */
  sharedLoads: number;
  /** The caller's trace headers, passed on unchanged. Null: none, or an SDK creates spans. */
  traceHeaders: Readonly<TraceHeaders> | null;
  span: RequestSpan | null;
  /** Ids for the log lines of the request: of its span or, without an SDK, of the caller's. Null: no trace. */
  trace: TraceIds | null;
};

/** Traced requests whose ids are remembered after their end: a reset mail can fail 15 s after the response. */
const maxEndedTraces = 10_000;

/**
 * The records of all in-flight requests, found by request id. Every call towards the Auth Service carries that id anyway,
 * so no layer in between needs to know about records. Work that ends after its request is not recorded. If a client uses
 * one id for several requests at once, the newest request gets the work of all of them.
 */
export const createInFlightRequests = ({ monotonicNow }: { monotonicNow: () => number }) => {
  const byId = createSteadyMap<RequestRecord>();
  const all: RequestRecord[] = [];
  const endedTraces = createBoundedMap<string, TraceIds>(maxEndedTraces);
  return {
    begin({ id, raw: { socket } }: Pick<FastifyRequest, 'id' | 'raw'>): RequestRecord {
      const record: RequestRecord = {
        id,
        socket,
        index: all.length,
        timeoutChecks: 0,
        startedAtMs: monotonicNow(),
        procedures: [],
        calls: 0,
        person: null,
        service: null,
        reasons: [],
        upstreamCalls: 0,
        upstreamMs: 0,
        cacheHits: 0,
        cacheStale: 0,
        sharedLoads: 0,
        traceHeaders: null,
        span: null,
        trace: null,
      };
      all.push(record);
      byId.set(id, record);
      return record;
    },
    end(record: RequestRecord): void {
      if (all[record.index] !== record) return;
      // The last one takes its place.
      const last = all.pop() ?? record;
      if (last !== record) all[record.index] = last;
      last.index = record.index;
      if (byId.get(record.id) !== record) return;
      byId.delete(record.id);
      if (record.trace !== null) endedTraces.set(record.id, record.trace);
    },
    find: (id: string | undefined): RequestRecord | undefined => (id === undefined ? undefined : byId.get(id)),
    /** The trace of a request that is in flight or ended recently. */
    traceOf(id: string): TraceIds | null {
      const record = byId.get(id);
      return record === undefined ? (endedTraces.get(id) ?? null) : record.trace;
    },
    all: (): readonly RequestRecord[] => all,
  };
};

export type InFlightRequests = ReturnType<typeof createInFlightRequests>;
