import type { Endpoint } from '../../auth-service/endpoints.ts';
import type { CallTrace } from '../../auth-service/transport.ts';
import { mayHaveSdk } from './may-have-sdk.ts';
import type { RequestRecord } from './request-record.ts';

type IncomingHeaders = Readonly<Record<string, string | string[] | undefined>>;

export type TracingOptions = {
  /** The address of the Auth Service. */
  url: string;
  /** The record of an in-flight request, which holds its span. */
  findRequest: (requestId: string | undefined) => RequestRecord | undefined;
};

/** W3C Trace Context, section 3.2: version 00, and neither id all zeros. */
const traceparentPattern = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/;
/** W3C Trace Context, section 3.3.1: comma-separated `key=value` members. Vendors only have to propagate 512 characters. */
const tracestatePattern =
  /^[a-z\d][a-z\d_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}(,[ \t]{0,2}[a-z\d][a-z\d_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}){0,31}$/;
const maxTracestateLength = 512;

/** Trace headers of a caller that may be passed on unchanged. */
export type TraceHeaders = { traceparent: string; tracestate?: string };

/** Null: there is no valid `traceparent`. */
export const traceHeadersOf = ({ traceparent, tracestate }: IncomingHeaders): TraceHeaders | null => {
  if (typeof traceparent !== 'string' || !traceparentPattern.test(traceparent)) return null;
  const isPassable =
    typeof tracestate === 'string' && tracestate.length <= maxTracestateLength && tracestatePattern.test(tracestate);
  return isPassable ? { traceparent, tracestate } : { traceparent };
};

/**
 * Spans, if an OpenTelemetry SDK is registered before the app is created. Without an SDK, a valid `traceparent` is passed on to
 * the Auth Service unchanged, so that the trace does not break here.
 */
export const createTracing = async (options: TracingOptions) => {
  const spans = mayHaveSdk() ? (await import('./spans.ts')).createSpans(options) : null;

  return {
    /** Null: no SDK is registered. */
    spans,
    /** Traces one upstream call. Null: there is no trace to continue. */
    traceCall(endpoint: Endpoint, requestId: string | undefined): CallTrace | null {
      if (spans !== null) return spans.startCall(endpoint, requestId);
      const headers = options.findRequest(requestId)?.traceHeaders ?? null;
      return headers === null ? null : { headers };
    },
  };
};

export type Tracing = Awaited<ReturnType<typeof createTracing>>;
