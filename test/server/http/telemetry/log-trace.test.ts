import { context, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError } from '../../../../server/src/errors.ts';
import { createTimers } from '../../../support/time/timers.ts';
import { createFakeAccountCalls } from '../../../support/auth-service/fake-account-calls.ts';
import { askRaw, postHeaders, queryTarget, written } from '../../../support/app/raw-request.ts';
import { startApp, type StartAppOptions, type TestApp } from '../../../support/app/start-app.ts';

const traceId = '0af7651916cd43dd8448eb211c80319c';
const parentId = 'b7ad6b7169203331';
const traceparent = `00-${traceId}-${parentId}-01`;

type Line = Record<string, unknown>;

/** The lines of a request, once its request line is written. */
const linesOf = async (app: TestApp, requestId: string): Promise<Line[]> => {
  const lines = () => app.logLines.filter((line) => line.requestId === requestId);
  await vi.waitFor(() => expect(lines().some(({ msg }) => msg === 'request')).toBe(true));
  return lines();
};
const messagesOf = (lines: Line[]) => lines.map(({ msg }) => msg);

const ask = async (app: TestApp, requestId: string, path: string, input: unknown, headers = {}) => {
  const { access } = await app.authService.issue({ type: 'staff', id: 1 });
  const all = { ...postHeaders, cookie: `access_token=${access}`, 'x-request-id': requestId, ...headers };
  await askRaw(app.url, { method: 'POST', target: `/trpc/${path}`, headers: all, body: written(input) });
  return linesOf(app, requestId);
};
const turn = { system: 'TTS', role: 'Technician', key: 'T-1' };

describe('without an SDK', () => {
  it("all lines of a request have the ids of the caller's traceparent", async () => {
    await using app = await startApp();
    const assignment = await ask(app, 'turn', 'assignments.next', turn, { traceparent });
    const audit = await ask(app, 'reset', 'assignments.reset', { system: 'AMS', role: 'None' }, { traceparent });
    app.authService.fault('*', { kind: 'status', status: 503 });
    const failure = await ask(app, 'failure', 'assignments.next', { system: 'TTS', role: 'Admin' }, { traceparent });
    expect(messagesOf(assignment)).toEqual(['assignment', 'request']);
    expect(messagesOf(audit)).toContain('audit');
    expect(failure.some(({ level }) => level === 50)).toBe(true);
    for (const line of [...assignment, ...audit, ...failure]) {
      expect(line).toMatchObject({ trace_id: traceId, span_id: parentId });
    }
  });

  it.each([
    ['no traceparent', {}],
    ['a traceparent that is not valid', { traceparent: traceparent.toUpperCase() }],
  ])('a request with %s has no ids in its lines', async (_, headers) => {
    await using app = await startApp();
    for (const line of await ask(app, 'turn', 'assignments.next', turn, headers)) {
      expect(line).not.toHaveProperty('trace_id');
      expect(line).not.toHaveProperty('span_id');
    }
  });

  it('a line that is written after the end of its request has the ids', async () => {
    const fake = createFakeAccountCalls();
    const timers = createTimers();
    let fail = () => {};
    const failed = new Promise<never>((_, reject) => {
      fail = () => reject(new AppError('auth_service_unavailable'));
    });
    const called = new Promise<void>((resolve) => {
      fake.use({ requestPasswordReset: () => (resolve(), failed) });
    });
    const options: StartAppOptions = { accountCalls: fake.calls, startAnswerTimer: timers.start };
    await using app = await startApp(options);
    const answered = ask(app, 'mail', 'account.requestPasswordReset', { email: 'ana@example.com' }, { traceparent });
    await called;
    timers.fire();
    await answered;
    fail();
    const isMail = ({ msg }: Line) => String(msg).startsWith('A password-reset mail was probably not sent');
    await vi.waitFor(() => expect(app.logLines.find(isMail)).toMatchObject({ trace_id: traceId, span_id: parentId }));
  });

  it('each of two requests with one id has its own trace in its request line', async () => {
    await using app = await startApp();
    const other = traceparent.replace(traceId, traceId.replace('0af', 'fff'));
    const { access } = await app.authService.issue({ type: 'staff', id: 123 });
    let release = () => {};
    app.authService.fault('user', { kind: 'hold', until: new Promise<void>((resolve) => (release = resolve)) });
    const answers = [traceparent, other].map((header) =>
      askRaw(app.url, {
        target: queryTarget('users.byId', { json: { id: header === other ? 5 : 12 } }),
        headers: { traceparent: header, 'x-request-id': 'twice', cookie: `access_token=${access}` },
      }),
    );
    await vi.waitFor(() => expect(app.authService.count('user')).toBe(2));
    release();
    await Promise.all(answers);
    const requests = () => app.logLines.filter(({ msg }) => msg === 'request');
    await vi.waitFor(() => expect(requests()).toHaveLength(2));
    expect(new Set(requests().map(({ trace_id }) => trace_id)).size).toBe(2);
  });
});

describe('with an SDK', () => {
  beforeEach(() => {
    trace.setGlobalTracerProvider(new BasicTracerProvider());
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  });
  afterEach(() => {
    for (const part of [trace, context, propagation]) part.disable();
  });

  it('all lines of a request have the ids of its span', async () => {
    await using app = await startApp();
    const lines = await ask(app, 'turn', 'assignments.next', turn, { traceparent });
    expect(messagesOf(lines)).toEqual(['assignment', 'request']);
    const [first] = lines;
    expect(first).toMatchObject({ trace_id: traceId, span_id: expect.stringMatching(/^[\da-f]{16}$/) });
    expect(first?.span_id).not.toBe(parentId);
    for (const line of lines) expect(line).toMatchObject({ trace_id: traceId, span_id: first?.span_id });
  });
});
