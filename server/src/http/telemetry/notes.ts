import type { Span, Context as TraceContext } from '@opentelemetry/api';
import type { Principal } from '../../token/principal.ts';

/** What is noted of one request while it is answered. */
export type RequestNotes = {
  readonly id: string;
  /** Monotonic milliseconds. */
  readonly startedAtMs: number;
  /** Each once; what is no procedure of ours is `unknown`. */
  procedures: string[];
  /** Calls in the request: more than one in a batch. */
  calls: number;
  person: Pick<Principal, 'type' | 'id'> | null;
  /** Why calls in it failed, each reason once. */
  reasons: string[];
  /** Attempts to ask the Auth Service that this request caused, and their milliseconds together. */
  upstreamCalls: number;
  upstreamMs: number;
  /** Lookups answered from memory: while fresh, and as stale. */
  cacheHits: number;
  cacheStale: number;
  /** Lookups that joined one under way: what that asks upstream is noted where it was caused. */
  sharedLoads: number;
  /** Headers of a trace that go on as they came, where nobody traces here. */
  traceHeaders: Readonly<Record<string, string>> | null;
  span: { span: Span; context: TraceContext } | null;
};

/**
 * The notes of the requests under way, found by the request id, which every call that goes down carries anyway: so
 * nothing between here and the Auth Service has to know of notes. What ends after its request is noted nowhere. Where
 * a client uses one id for several requests at once, the newest takes the notes of them all.
 */
export const createRequestNotes = ({ monotonicNow }: { monotonicNow: () => number }) => {
  const underWay = new Map<string, RequestNotes>();
  return {
    begin(id: string): RequestNotes {
      const notes: RequestNotes = {
        id,
        startedAtMs: monotonicNow(),
        procedures: [],
        calls: 0,
        person: null,
        reasons: [],
        upstreamCalls: 0,
        upstreamMs: 0,
        cacheHits: 0,
        cacheStale: 0,
        sharedLoads: 0,
        traceHeaders: null,
        span: null,
      };
      underWay.set(id, notes);
      return notes;
    },
    end(notes: RequestNotes): void {
      if (underWay.get(notes.id) === notes) underWay.delete(notes.id);
    },
    of: (id: string | undefined): RequestNotes | undefined => (id === undefined ? undefined : underWay.get(id)),
    /** How many are under way. */
    size: (): number => underWay.size,
  };
};

export type RequestNotesKeeper = ReturnType<typeof createRequestNotes>;
