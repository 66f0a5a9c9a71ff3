import type { Log } from '../../platform/log.ts';

/** Fields of a log line. Their names are those of OpenTelemetry's specification for logs in JSON, which collectors expect. */
export type TraceIds = { trace_id: string; span_id: string };

/** The ids of a valid `traceparent`: `00-<trace id>-<span id>-<flags>`. */
export const traceIdsOfHeader = (traceparent: string): TraceIds => ({
  trace_id: traceparent.slice(3, 35),
  span_id: traceparent.slice(36, 52),
});

export type LogWithTraceOptions = {
  log: Log;
  /** Null: the request has no trace. */
  traceOf: (requestId: string) => TraceIds | null;
};

type WriteLine = (fields: object, message: string) => void;

/** A log that adds the trace of the request to every line with a `requestId`. */
export const createLogWithTrace = ({ log, traceOf }: LogWithTraceOptions): Log => {
  const withTrace = (fields: object): object => {
    const { requestId } = fields as { requestId?: string };
    const trace = requestId === undefined ? null : traceOf(requestId);
    // The request line has the ids of its own request, even if a client uses one request id twice.
    return trace === null ? fields : { ...trace, ...fields };
  };
  const { audit } = log;
  const methods: Record<'debug' | 'info' | 'warn' | 'error' | 'fatal', WriteLine> & { audit?: WriteLine } = {
    debug: (fields, message) => log.debug(withTrace(fields), message),
    info: (fields, message) => log.info(withTrace(fields), message),
    warn: (fields, message) => log.warn(withTrace(fields), message),
    error: (fields, message) => log.error(withTrace(fields), message),
    fatal: (fields, message) => log.fatal(withTrace(fields), message),
    ...(audit && { audit: (fields, message) => audit(withTrace(fields), message) }),
  };
  // A level that is set here must reach the log itself, whose other users it concerns as well.
  const level = {
    get: () => log.level,
    set: (next: string) => {
      log.level = next;
    },
  };
  return Object.defineProperty(Object.assign(Object.create(log) as Log, methods), 'level', level);
};
