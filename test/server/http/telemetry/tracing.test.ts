import { channel } from 'node:diagnostics_channel';
import type { ServerResponse } from 'node:http';
import { context, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  BasicTracerProvider,
  BatchSpanProcessor,
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

  it('a refused method of REST names the route of its path', async () => {
    await using app = await startApp();
    await askRaw(app.url, { method: 'DELETE', target: '/bff/api/users/5', headers: { 'x-csrf': '1' } });
    const [request] = await requestSpans();
    expect(request?.attributes).toMatchObject({ 'http.route': '/bff/api/users/:id', 'http.response.status_code': 405 });
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

  it('an instrumentation of undici adds neither a second span nor a second traceparent to a call of the Auth Service', async () => {
    await using app = await startApp();
    const { trpc } = await browserOf(app, 123);
    const started: Array<{ isRecording: boolean; injected: Record<string, string> }> = [];
    // Node's own fetch publishes on the same channel.
    const onCreate = (message: unknown) => {
      if (!(message as { request: { path: string } }).request.path.includes('user-info')) return;
      const span = trace.getTracer('undici').startSpan('GET', { kind: SpanKind.CLIENT });
      const injected = {};
      propagation.inject(trace.setSpan(context.active(), span), injected);
      started.push({ isRecording: span.isRecording(), injected });
    };
    channel('undici:request:create').subscribe(onCreate);
    await trpc.users.byId.query({ id: 5 });
    channel('undici:request:create').unsubscribe(onCreate);
    expect(started).toEqual([{ isRecording: false, injected: {} }]);
  });

  /** Starts a span for each request, as `@opentelemetry/instrumentation-http` does. */
  const instrumentHttp = ({ app: { server } }: TestApp, kind: SpanKind) => {
    const emit = server.server.emit.bind(server.server) as (event: string, ...args: unknown[]) => boolean;
    server.server.emit = (event: string, ...args: unknown[]): boolean => {
      if (event !== 'request') return emit(event, ...args);
      const attributes = { 'url.path': '/bff/api/users/5', 'url.query': '?company=MA0001' };
      const span = trace.getTracer('http').startSpan('GET', { kind, attributes });
      (args[1] as ServerResponse).on('close', () => span.end());
      return context.with(trace.setSpan(context.active(), span), () => emit(event, ...args));
    };
  };

  it('a request has one span, without ids of people, when an instrumentation of http has started it', async () => {
    await using app = await startApp();
    instrumentHttp(app, SpanKind.SERVER);
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    await askRaw(app.url, { target: '/bff/api/users/5', headers: { cookie: `access_token=${access}` } });
    const [request, ...others] = await requestSpans();
    expect(others).toEqual([]);
    expect(request).toMatchObject({
      name: 'trpc users.byId',
      instrumentationScope: { name: 'http' },
      attributes: { 'url.path': '/bff/api/users/:id', 'url.query': '', 'http.response.status_code': 200 },
    });
    isChildOf(spansOf(SpanKind.CLIENT)[0], request);
    expect(app.logLines.find(({ msg }) => msg === 'request')?.span_id).toBe(request?.spanContext().spanId);
  });

  it('a request has its own span inside a span of another kind', async () => {
    await using app = await startApp();
    instrumentHttp(app, SpanKind.INTERNAL);
    await askRaw(app.url, { target: queryTarget('users.me') });
    const [request] = await requestSpans();
    expect(request).toMatchObject({ name: 'trpc users.me', instrumentationScope: { name: '@auth-bff/server' } });
  });

  it('a stop sends the spans that the SDK buffers', async () => {
    const batched = new InMemorySpanExporter();
    trace.disable();
    const spanProcessors = [new BatchSpanProcessor(batched, { scheduledDelayMillis: 3_600_000 })];
    trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors }));
    await using app = await startApp();
    await askRaw(app.url, { target: queryTarget('users.me') });
    await vi.waitFor(() => expect(app.logLines.some(({ msg }) => msg === 'request')).toBe(true));
    expect(batched.getFinishedSpans()).toEqual([]);
    await app.app.close();
    expect(batched.getFinishedSpans().map(({ name }) => name)).toEqual(['trpc users.me']);
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
