import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createServiceKey, toServiceEntry } from '../../../server/src/service-access/new-service-key.ts';
import { dialects } from '../../support/app/start-app.ts';
import type { OpenEvents } from '../../support/sse/open-events.ts';
import { type Live, startLive, technicians } from '../../support/sse/start-live.ts';

const received = (stream: OpenEvents, count: number) => vi.waitFor(() => expect(stream.data()).toHaveLength(count));
const keysOf = (stream: OpenEvents) => stream.data().map((entry) => (entry as { key: string }).key);
const failed = async (stream: OpenEvents): Promise<string | undefined> => {
  await vi.waitFor(() => expect(stream.isEnded()).toBe(true));
  return stream.error()?.data.reason;
};
const lastIdOf = (stream: OpenEvents): string => stream.events().at(-1)?.lastEventId ?? '';

describe.each(dialects)('assignments.onTurn in the %s dialect', (dialect) => {
  it('sends each new turn once to everyone who subscribes, with all of its fields', async () => {
    await using live = await startLive({ dialect });
    const one = await live.signIn();
    const other = await live.signIn({ type: 'staff', id: 2 });
    await one.browser.trpc.assignments.next.mutate({ ...technicians, key: 'before' });
    using first = await one.onTurn();
    using second = await other.onTurn();
    await live.isOpen(first, second);
    const { assignee } = await one.browser.trpc.assignments.next.mutate({ ...technicians, key: 'T-1' });
    await one.browser.trpc.assignments.next.mutate({ ...technicians, key: 'T-1' });
    await one.browser.trpc.assignments.next.mutate({ ...technicians, key: 'T-2' });
    for (const stream of [first, second]) {
      await received(stream, 2);
      expect(stream.data()[0]).toEqual({
        at: expect.any(Date),
        key: 'T-1',
        assignee: assignee?.id,
        by: 123,
        kind: 'assigned',
      });
      expect(keysOf(stream)).toEqual(['T-1', 'T-2']);
    }
  });

  it('continues after the last event received, by header, by query and by input', async () => {
    await using live = await startLive({ dialect });
    const { browser, onTurn, open } = await live.signIn();
    const next = (key: string) => browser.trpc.assignments.next.mutate({ ...technicians, key });
    using before = await onTurn();
    await live.isOpen(before);
    await next('T-1');
    await received(before, 1);
    before[Symbol.dispose]();
    await next('T-2');
    await next('T-3');
    const lastEventId = lastIdOf(before);
    using byHeader = await onTurn({ headers: { 'last-event-id': lastEventId } });
    using byQuery = await onTurn({ query: { lastEventId } });
    using byInput = await open('assignments.onTurn', { ...technicians, lastEventId });
    await next('T-4');
    for (const stream of [byHeader, byQuery, byInput]) {
      await received(stream, 3);
      expect(keysOf(stream)).toEqual(['T-2', 'T-3', 'T-4']);
    }
  });

  it('continues after its beginning if it has received no event', async () => {
    await using live = await startLive({ dialect });
    const { browser, onTurn } = await live.signIn();
    const next = (key: string) => browser.trpc.assignments.next.mutate({ ...technicians, key });
    await next('before');
    const before = await onTurn();
    await vi.waitFor(() => expect(lastIdOf(before)).not.toBe(''));
    before[Symbol.dispose]();
    await next('T-1');
    using after = await onTurn({ headers: { 'last-event-id': lastIdOf(before) } });
    await received(after, 1);
    expect(keysOf(after)).toEqual(['T-1']);
    expect(before.data()).toEqual([]);
  });

  it('ends with token_expired at the expiry of its token, without a later event, and another token continues', async () => {
    await using live = await startLive({ dialect });
    const subject = { type: 'staff', id: 123 } as const;
    const { browser, onTurn } = await live.signIn(subject);
    using stream = await onTurn();
    using watch = await (await live.signIn(subject)).onEnd();
    await live.isOpen(stream, watch);
    // The clock alone: no check of all subscriptions runs before the event.
    live.clock.advance(dialect === 'guide' ? 900_000 : 300_000);
    const later = await live.signIn(subject);
    await later.browser.trpc.assignments.next.mutate({ ...technicians, key: 'T-1' });
    expect(await failed(stream)).toBe('token_expired');
    expect(stream.data()).toEqual([]);
    expect(stream.error()?.data.code).toBe('UNAUTHORIZED');
    expect(browser.cookies.has('access_token')).toBe(true);
    // A stream without events ends, too.
    expect(watch.isEnded()).toBe(false);
    live.passTime(1_000);
    expect(await failed(watch)).toBe('token_expired');
  });

  it('goes on until its own token expires if the session is refreshed meanwhile', async () => {
    await using live = await startLive({ dialect });
    const { browser, onTurn } = await live.signIn();
    using stream = await onTurn();
    await live.isOpen(stream);
    await browser.trpc.session.refresh.mutate();
    live.pass(60_000);
    await browser.trpc.assignments.next.mutate({ ...technicians, key: 'T-1' });
    await received(stream, 1);
    expect(stream.error()).toBeNull();
  });
});

describe('a subscription', () => {
  let live: Live;
  beforeAll(async () => {
    live = await startLive({ env: { CORS_ORIGINS: 'https://desk.example.org' } });
  });
  afterAll(() => live[Symbol.asyncDispose]());

  it.each([
    ['without a session', 'no_token', () => live.anonymous.onTurn()],
    [
      'to a system of other people',
      'insufficient_permissions',
      async () => (await live.signIn({ type: 'staff', id: 4 })).onTurn(),
    ],
    [
      'of an employee',
      'insufficient_permissions',
      async () => (await live.signIn({ type: 'employee', id: 1 })).onTurn(),
    ],
    [
      'with an invalid input',
      'invalid_input',
      async () => (await live.signIn()).open('assignments.onTurn', { system: 'TTS' }),
    ],
    [
      'with text that cannot be stored',
      'invalid_input',
      async () => (await live.signIn()).open('assignments.onTurn', { ...technicians, role: '\ud800' }),
    ],
    [
      'with the id of no event',
      'invalid_input',
      async () => (await live.signIn()).onTurn({ headers: { 'last-event-id': 'x'.repeat(65) } }),
    ],
  ])('%s ends with %s as an event, which an EventSource can read', async (_name, reason, subscribe) => {
    using stream = await subscribe();
    expect(stream.status).toBe(200);
    expect(await failed(stream)).toBe(reason);
    expect(stream.events().map(({ event }) => event)).toEqual(['connected', 'serialized-error']);
  });

  it('answers with the headers of a stream that nobody stores, of the session, and of every response', async () => {
    const { onEnd } = await live.signIn();
    using stream = await onEnd({ headers: { origin: 'https://desk.example.org', 'sec-fetch-site': 'cross-site' } });
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream',
      'cache-control': 'no-store, no-transform',
      'x-accel-buffering': 'no',
      'x-session-user': 'staff:123',
      'x-session-expires-in': '900',
      'x-content-type-options': 'nosniff',
      'access-control-allow-origin': 'https://desk.example.org',
      'access-control-allow-credentials': 'true',
      vary: 'trpc-accept, accept, Origin',
      'x-request-id': expect.any(String),
    });
  });

  it('from a page of another site is refused with 403', async () => {
    const { onEnd } = await live.signIn();
    using stream = await onEnd({ headers: { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' } });
    expect(stream.status).toBe(403);
    await vi.waitFor(() => expect(stream.text()).toContain('"reason":"csrf"'));
  });

  it.each([
    ['in a batch', { path: 'session.onEnd', query: { batch: '1' } }, 400, 'invalid_input'],
    ['in a batch with a query', { path: 'session.onEnd,status.get', query: { batch: '1' } }, 400, 'invalid_input'],
    [
      'by POST',
      { path: 'session.onEnd', method: 'POST', headers: { 'content-type': 'application/json', 'x-csrf': '1' } },
      200,
      'method_not_allowed',
    ],
  ])('is refused %s', async (_name, { path, ...options }, status, reason) => {
    const { open } = await live.signIn();
    using answer = await open(path, undefined, options);
    await vi.waitFor(() => expect(answer.isEnded()).toBe(true));
    expect(answer.status).toBe(status);
    expect(answer.text()).toContain(`"reason":"${reason}"`);
  });

  it('counts as one call, is one line in the log when it ends, and frees its place when the client leaves', async () => {
    const { onTurn } = await live.signIn();
    const before = await live.openCount();
    const stream = await onTurn({ headers: { 'x-request-id': 'the-stream-of-this-test' } });
    await live.isOpen(stream);
    expect(await live.openCount()).toBe(before + 1);
    const lines = () => live.app.logLines.filter(({ requestId }) => requestId === 'the-stream-of-this-test');
    expect(lines()).toEqual([]);
    stream[Symbol.dispose]();
    await vi.waitFor(() => expect(lines()).toHaveLength(1));
    expect(lines()[0]).toMatchObject({
      msg: 'request',
      procedures: ['assignments.onTurn'],
      person: 'staff 123',
      status: 200,
      clientLeft: true,
    });
    expect(await live.openCount()).toBe(before);
  });
});

describe('the limits', () => {
  it('allow ten subscriptions of a person, who are told what to do, and others have their own', async () => {
    await using live = await startLive();
    const { onEnd } = await live.signIn();
    const streams = await Promise.all(Array.from({ length: 10 }, () => onEnd()));
    await live.isOpen(...streams);
    using refused = await (await live.signIn()).onTurn();
    expect(await failed(refused)).toBe('overloaded');
    expect(refused.error()).toMatchObject({
      message: expect.stringMatching(/^This person has 10 open subscriptions, which is the limit\. Close /),
      data: { code: 'SERVICE_UNAVAILABLE', retryAfterSeconds: 30 },
    });
    // An EventSource comes back by itself: not at once.
    expect(refused.retryMs()).toBeGreaterThanOrEqual(30_000);
    // One person with many tabs must not fill the operator's log with errors.
    expect(live.app.logLines.filter(({ level }) => Number(level) >= 40)).toEqual([]);

    using employee = await (await live.signIn({ type: 'employee', id: 1 })).onEnd();
    await live.isOpen(employee);
    expect(await live.openCount()).toBe(11);
    streams[0]?.[Symbol.dispose]();
    await vi.waitFor(async () => expect(await live.openCount()).toBe(10));
    using again = await onEnd();
    await vi.waitFor(async () => expect(await live.openCount()).toBe(11));
    expect(again.error()).toBeNull();
    for (const stream of streams) stream[Symbol.dispose]();
  });

  it('of the process hold for everyone together', async () => {
    await using live = await startLive({ liveLimits: { perProcess: 2 } });
    using first = await (await live.signIn()).onEnd();
    using second = await (await live.signIn({ type: 'employee', id: 1 })).onEnd();
    await live.isOpen(first, second);
    using refused = await (await live.signIn({ type: 'staff', id: 2 })).onEnd();
    expect(await failed(refused)).toBe('overloaded');
    expect(refused.error()?.message).toMatch(/^This replica has 2 open subscriptions, which is the limit\. /);
  });

  it('hold for a service, which may subscribe to turns only if it was granted', async () => {
    const key = createServiceKey();
    await using live = await startLive({
      liveLimits: { perCaller: 1 },
      env: {
        SERVICE_KEYS: toServiceEntry('board', key, ['assignments.onTurn']),
        SERVICE_ACCOUNT_EMAIL: 'user@example.com',
        SERVICE_ACCOUNT_PASSWORD: 'staff-pass-1',
      },
    });
    const headers = { 'x-api-key': key };
    using stream = await live.anonymous.onTurn({ headers });
    await live.isOpen(stream);
    await (await live.signIn()).browser.trpc.assignments.next.mutate({ ...technicians, key: 'T-1' });
    await received(stream, 1);
    using second = await live.anonymous.onTurn({ headers });
    expect(await failed(second)).toBe('overloaded');
    expect(second.error()?.message).toMatch(/^This service has 1 open subscriptions/);
    using onEnd = await live.anonymous.onEnd({ headers });
    expect(await failed(onEnd)).toBe('insufficient_permissions');
    // A key does not expire.
    live.pass(86_400_000);
    expect(stream.error()).toBeNull();
  });
});
