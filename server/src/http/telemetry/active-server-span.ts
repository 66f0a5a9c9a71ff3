import { isSpanContextValid, type Span, SpanKind, trace } from '@opentelemetry/api';

/**
 * The span that OpenTelemetry's http instrumentation has started for this request, if it is active. The BFF completes it: a
 * second span of one request would distort every count and every duration. Spans that are not sampled have no kind.
 */
export const activeServerSpan = (): Span | undefined => {
  const span = trace.getActiveSpan();
  if (span === undefined || span.spanContext().isRemote === true || !isSpanContextValid(span.spanContext())) {
    return undefined;
  }
  const { kind = SpanKind.SERVER } = span as Partial<{ kind: SpanKind }>;
  return kind === SpanKind.SERVER ? span : undefined;
};

/** Attributes of the http instrumentation with ids of people and inputs. */
const urlAttributes = ['url.path', 'url.query', 'url.full', 'http.target', 'http.url'];

/** Values that replace those of the http instrumentation: the route instead of the path. */
export const hideUrl = (span: Span, route: string): Record<string, string> => {
  const { attributes = {} } = span as Partial<{ attributes: Record<string, unknown> }>;
  const present = urlAttributes.filter((name) => attributes[name] !== undefined);
  return Object.fromEntries(present.map((name) => [name, name === 'url.query' ? '' : route]));
};
