import { channel } from 'node:diagnostics_channel';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { traceHeadersOf } from '../../../../server/src/http/telemetry/tracing.ts';
import { browserOf } from '../../../support/app/crowd.ts';
import { askRaw, postHeaders, queryTarget } from '../../../support/app/raw-request.ts';
import { startApp, type TestApp } from '../../../support/app/start-app.ts';
import { sendThenLeave } from '../../../support/app/send-then-leave.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${parentId}-01`;

const upstreamHeaders = (app: TestApp) => app.authService.calls.map(({ headers }) => headers);

describe('with an SDK', () => {
  const exporter = new InMemorySpanExporter();

  beforeEach(() => {
    const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
    trace.setGlobalTracerProvider(provider);
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  });
  afterEach(() => {
    exporter.reset();
    for (const part of [trace, context, propagation]) part.disable();
  });

  const spansOf = (kind: SpanKind) => exporter.getFinishedSpans().filter((span) => span.kind === kind);
  /** The spans of requests, once so many have ended: that is after the answer. */
  const requestSpans = async (count = 1) => {
    await vi.waitFor(() => expect(spansOf(SpanKind.SERVER)).toHaveLength(count));
    return spansOf(SpanKind.SERVER);
  };
  const isChildOf = (child: ReadableSpan | undefined, parent: ReadableSpan | undefined) => {
    expect(child?.parentSpanContext?.spanId).toBe(parent?.spanContext().spanId);
    expect(child?.spanContext().traceId).toBe(parent?.spanContext().traceId);
  };

  it("a request is a span of the caller's trace, and each call upstream one of the request's", async () => {
    await using app = await startApp();
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const headers = { cookie: `access_token=${access}`, traceparent };
    await askRaw(app.url, { target: queryTarget('users.byId', { json: { id: 5 } }), headers });
    const [request] = await requestSpans();
    expect(request).toMatchObject({
      name: 'trpc users.byId',
      parentSpanContext: { traceId, spanId: parentId, isRemote: true },
      attributes: {
        'http.request.method': 'GET',
        'http.route': '/trpc/:path',
        'http.response.status_code': 200,
        'rpc.system': 'trpc',
        'rpc.method': 'users.byId',
      },
      status: { code: SpanStatusCode.UNSET },
    });
    const [call] = spansOf(SpanKind.CLIENT);
    expect(call).toMatchObject({
      name: 'GET user-info',
      attributes: {
        'http.request.method': 'GET',
        'http.response.status_code': 200,
        'server.address': '127.0.0.1',
        'server.port': Number(new URL(app.authService.url).port),
      },
    });
    isChildOf(call, request);
    const [sent] = upstreamHeaders(app);
    expect(sent?.traceparent).toBe(`00-${traceId}-${call?.spanContext().spanId}-01`);
  });

  it('a trace begins where the caller has none, or one that is not valid', async () => {
    await using app = await startApp();
    await askRaw(app.url, { target: queryTarget('status.get') });
    await askRaw(app.url, { target: queryTarget('status.get'), headers: { traceparent: traceparent.toUpperCase() } });
    for (const span of await requestSpans(2)) {
      expect(span.parentSpanContext).toBeUndefined();
      expect(span.spanContext().traceId).not.toBe(traceId);
    }
  });

  it('a failure of ours or of the Auth Service is an error, with each new attempt, and a refusal is none', async () => {
    await using app = await startApp();
    const { trpc } = await browserOf(app, 123);
    app.authService.fault('user', { kind: 'status', status: 503 });
    await trpc.users.byId.query({ id: 5 }).catch(() => {});
    await askRaw(app.url, { target: queryTarget('users.me') });
    const [failed, refused] = await requestSpans(2);
    expect(failed).toMatchObject({
      attributes: { 'error.type': 'auth_service_unavailable', 'http.response.status_code': 503 },
      status: { code: SpanStatusCode.ERROR },
    });
    expect(refused).toMatchObject({ attributes: { 'auth_bff.reasons': ['no_token'] }, status: { code: 0 } });
    const calls = spansOf(SpanKind.CLIENT).filter(({ name }) => name === 'GET user-info');
    expect(calls).toHaveLength(app.authService.count('user'));
    for (const call of calls) {
      expect(call).toMatchObject({ attributes: { 'error.type': '503' }, status: { code: SpanStatusCode.ERROR } });
      isChildOf(call, failed);
    }
  });

  it('names hold nothing that a client made up, and attributes no query, e-mail address or token', async () => {
    await using app = await startApp();
    await askRaw(app.url, { target: '/trpc/made.up,users.me?batch=1&input=%7B%7D' });
    await askRaw(app.url, { target: '/no/such/path' });
    const body = JSON.stringify({ json: { email: 'ana@example.com', password: 'pa55-word-1' } });
    await askRaw(app.url, { method: 'POST', target: '/trpc/session.login', headers: postHeaders, body });
    const spans = await requestSpans(3);
    expect(spans.map(({ name }) => name)).toEqual(['trpc batch', 'GET', 'trpc session.login']);
    expect(spans[0]?.attributes).toMatchObject({ 'auth_bff.procedures': ['unknown', 'users.me'] });
    const told = JSON.stringify(
      exporter.getFinishedSpans().map(({ name, attributes, events }) => [name, attributes, events]),
    );
    expect(told).not.toMatch(/made|input|example|pa55|no\/such/);
  });

  it('what others trace beside it is part of the same trace', async () => {
    await using app = await startApp();
    const { trpc } = await browserOf(app, 123);
    const onCreate = () => trace.getTracer('other').startSpan('inner').end();
    channel('undici:request:create').subscribe(onCreate);
    // The test's own fetch is no undici of ours, but Node's, which tells on the same channel.
    await trpc.users.byId.query({ id: 5 });
    channel('undici:request:create').unsubscribe(onCreate);
    const [call] = spansOf(SpanKind.CLIENT);
    const inner = exporter
      .getFinishedSpans()
      .filter(({ name, parentSpanContext }) => name === 'inner' && parentSpanContext !== undefined);
    expect(inner).toHaveLength(1);
    isChildOf(inner[0], call);
  });

  it('a request that its client has left ends, too', async () => {
    await using app = await startApp();
    await sendThenLeave(app);
    const [request] = await requestSpans();
    await vi.waitFor(() => expect(spansOf(SpanKind.CLIENT)).toHaveLength(1));
    isChildOf(spansOf(SpanKind.CLIENT)[0], request);
  });

  it('a look after the Auth Service that no request asked for is a trace of its own', async () => {
    await using app = await startApp();
    await askRaw(app.url, { target: queryTarget('status.get') });
    const [request] = await requestSpans();
    const [call] = spansOf(SpanKind.CLIENT);
    expect(call?.parentSpanContext).toBeUndefined();
    expect(call?.spanContext().traceId).not.toBe(request?.spanContext().traceId);
  });
});

describe('without an SDK', () => {
  const sentFor = async (headers: Record<string, string | string[]>) => {
    await using app = await startApp();
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    const target = queryTarget('users.byId', { json: { id: 5 } });
    await askRaw(app.url, { target, headers: { cookie: `access_token=${access}`, ...headers } });
    return upstreamHeaders(app)[0] ?? {};
  };

  it('the trace of the caller goes on as it came', async () => {
    const tracestate = 'congo=t61rcWkgMzE,rojo@vendor=00f067aa0ba902b7';
    expect(await sentFor({ traceparent, tracestate })).toMatchObject({ traceparent, tracestate });
  });

  it('nothing goes on where there is none', async () => {
    const sent = await sentFor({ tracestate: 'congo=t61rcWkgMzE', baggage: 'a=b' });
    expect(sent).not.toHaveProperty('traceparent');
    expect(sent).not.toHaveProperty('tracestate');
    expect(sent).not.toHaveProperty('baggage');
  });

  it.each([
    ['another version', `01-${traceId}-${parentId}-01`],
    ['version ff', `ff-${traceId}-${parentId}-01`],
    ['a trace id of zeros', `00-${'0'.repeat(32)}-${parentId}-01`],
    ['a parent id of zeros', `00-${traceId}-${'0'.repeat(16)}-01`],
    ['capitals', traceparent.toUpperCase()],
    ['something behind it', `${traceparent}-x`],
    ['a line break behind it', `${traceparent}\n`],
    ['too little', traceparent.slice(0, -1)],
    ['two of them', `${traceparent}, ${traceparent}`],
    ['nothing in it', ''],
  ])('a traceparent is not passed on with %s', (_name, value) => {
    expect(traceHeadersOf({ traceparent: value, tracestate: 'a=b' })).toBeNull();
  });

  it.each([
    ['over 512 characters', `a=${'x'.repeat(256)},b=${'x'.repeat(256)}`],
    ['more than 32 members', Array.from({ length: 33 }, (_, at) => `k${at}=v`).join(',')],
    ['no value', 'congo'],
    ['a line break', 'a=b\r\nc: d'],
    ['letters of another alphabet', 'a=ü'],
    ['a key in capitals', 'A=b'],
  ])('a tracestate is left out with %s', (_name, tracestate) => {
    expect(traceHeadersOf({ traceparent, tracestate })).toEqual({ traceparent });
  });

  it('both are passed on as strings alone', () => {
    expect(traceHeadersOf({ traceparent: [traceparent] })).toBeNull();
    expect(traceHeadersOf({ traceparent, tracestate: ['a=b'] })).toEqual({ traceparent });
  });
});
