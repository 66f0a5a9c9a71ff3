import { createTRPCClient, httpBatchLink, type TRPCClientError } from '@trpc/client';
import superjson, { serialize } from 'superjson';
import { describe, expect, it } from 'vitest';
import { batchLink } from '../../../client/src/links/batch-link.ts';
import { reasonOf } from '../../../client/src/index.ts';
import type { AuthFetch } from '../../../client/src/transport.ts';
import type { AppRouter } from '../../../server/src/api/router.ts';
import { startApp, type TestApp } from '../../support/app/start-app.ts';

type Sent = { method: string; url: string; body: unknown; contentType: string | null };
type Client = ReturnType<typeof createTRPCClient<AppRouter>>;

/** A signed-in client of each link, with its requests and a way to answer in place of the server. */
const open = async (app: TestApp, which: 'ours' | 'tRPC’s') => {
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue({ type: 'staff', id: 123 }, { jti: 'one' }));
  const sent: Sent[] = [];
  const state = { intercept: null as null | ((signal: AbortSignal | null) => Promise<Response>) };
  const fetch: AuthFetch = (input, init = {}) => {
    const request = new Request(input, init);
    const { method, url } = request;
    sent.push({ method, url, body: init.body, contentType: request.headers.get('content-type') });
    return state.intercept?.(init.signal ?? null) ?? browser.fetch(input, init);
  };
  const url = `${app.url}/trpc`;
  const link =
    which === 'ours'
      ? batchLink({ url, fetch, headers: () => Promise.resolve({}) })
      : httpBatchLink<AppRouter>({
          url,
          transformer: superjson,
          fetch: (input, init) => fetch(input, init as RequestInit),
          headers: { 'x-csrf': '1' },
          maxItems: 50,
          maxURLLength: 11_500,
        });
  return { trpc: createTRPCClient<AppRouter>({ links: [link] }), sent, state };
};

const outcomeOf = async (call: Promise<unknown>) =>
  call.then(
    (value) => ({ value }),
    (error: unknown) => {
      const { name, message, data } = error as TRPCClientError<AppRouter>;
      return { name, message, data, reason: reasonOf(error) };
    },
  );

const never = <Result>() => new Promise<Result>(() => {});

const corpus: Record<string, (trpc: Client) => Promise<unknown>[]> = {
  'one query': (trpc) => [trpc.users.byId.query({ id: 5 })],
  'a query without input': (trpc) => [trpc.users.me.query()],
  'good and bad ones': (trpc) => [
    trpc.users.byId.query({ id: 5 }),
    trpc.users.byId.query({ id: 987_654 }),
    trpc.users.byId.query({ id: 'x' as never }),
    trpc.employees.byId.query({ id: 1 }),
    trpc.status.get.query(),
  ],
  'more than fit': (trpc) => Array.from({ length: 120 }, (_, index) => trpc.users.byId.query({ id: 1 + (index % 9) })),
  'long inputs': (trpc) =>
    Array.from({ length: 6 }, (_, index) => trpc.users.byIds.query({ ids: longIds(index, 250) })),
  'one too long for any request': (trpc) => [
    trpc.users.byId.query({ id: 5 }),
    trpc.users.byId.query({ id: 8 }),
    trpc.users.byIds.query({ ids: longIds(0, 900) }),
  ],
  'no procedure of that name': (trpc) => [
    (trpc as unknown as { no: { such: { query: () => Promise<unknown> } } }).no.such.query(),
  ],
  'a mutation': (trpc) => [trpc.session.login.mutate({ email: 'unknown@example.com', password: 'wrong' })],
};
const longIds = (seed: number, count: number) =>
  Array.from({ length: count }, (_, index) => 9_000_000_000 + seed * 1_000 + index);

describe('batchLink, compared with httpBatchLink', () => {
  for (const [name, ask] of Object.entries(corpus)) {
    it(`sends the same requests and returns the same results as httpBatchLink: ${name}`, async () => {
      await using app = await startApp();
      const [ours, theirs] = [await open(app, 'ours'), await open(app, 'tRPC’s')];
      const outcomes = await Promise.all(ask(ours.trpc).map(outcomeOf));
      expect(outcomes).toEqual(await Promise.all(ask(theirs.trpc).map(outcomeOf)));
      expect(ours.sent).toEqual(theirs.sent);
      expect(ours.sent.length).toBeGreaterThan(0);
    });
  }

  const answers: Record<string, () => Response> = {
    'a page of HTML': () => new Response('<h1>Hello</h1>', { status: 502 }),
    nothing: () => new Response(null, { status: 200 }),
    'an empty list': () => Response.json([]),
    null: () => Response.json(null),
    'a thing of no shape': () => Response.json([{ ok: true }]),
    'one error for all': () =>
      Response.json({
        error: serialize({
          message: 'No.',
          code: -32_600,
          data: { code: 'FORBIDDEN', httpStatus: 403, reason: 'csrf' },
        }),
      }),
  };
  for (const [name, answer] of Object.entries(answers)) {
    it(`returns the same reasons as httpBatchLink for a response that is ${name}`, async () => {
      await using app = await startApp();
      const [ours, theirs] = [await open(app, 'ours'), await open(app, 'tRPC’s')];
      const reasons: unknown[] = [];
      for (const { trpc, state } of [ours, theirs]) {
        state.intercept = () => Promise.resolve(answer());
        const calls = [trpc.users.byId.query({ id: 5 }), trpc.users.byId.query({ id: 8 })];
        reasons.push(
          (await Promise.all(calls.map(outcomeOf))).map((outcome) => ('reason' in outcome ? outcome.reason : outcome)),
        );
      }
      expect(reasons[0]).toEqual(reasons[1]);
      expect(reasons[0]).not.toContain(null);
    });
  }
});

describe('batchLink', () => {
  it('gives each call its own result if the result of another call is malformed', async () => {
    await using app = await startApp();
    const { trpc, state } = await open(app, 'ours');
    state.intercept = () => Promise.resolve(Response.json([{}, { result: { data: serialize({ id: 8 }) } }]));
    const [senseless, good] = [trpc.users.byId.query({ id: 5 }), trpc.users.byId.query({ id: 8 })].map(outcomeOf);
    expect(await senseless).toMatchObject({ reason: 'network' });
    expect(await good).toEqual({ value: { id: 8 } });
  });

  it('sends each session mutation alone, and batches the queries of the tick', async () => {
    await using app = await startApp();
    const { trpc, sent } = await open(app, 'ours');
    await Promise.all([
      trpc.users.byId.query({ id: 5 }),
      trpc.session.logout.mutate(),
      trpc.session.logout.mutate(),
      trpc.users.byId.query({ id: 8 }),
    ]);
    const paths = sent.map(({ method, url }) => `${method} ${new URL(url).pathname}`);
    expect(paths.toSorted()).toEqual([
      'GET /trpc/users.byId,users.byId',
      'POST /trpc/session.logout',
      'POST /trpc/session.logout',
    ]);
  });

  it('fails an aborted call at once, and aborts the request with the last of its calls', async () => {
    await using app = await startApp();
    const { trpc, state } = await open(app, 'ours');
    const seen: AbortSignal[] = [];
    state.intercept = (signal) => {
      if (signal !== null) seen.push(signal);
      return never();
    };
    const [one, other] = [new AbortController(), new AbortController()];
    const calls = [one, other].map(({ signal }) => outcomeOf(trpc.users.byId.query({ id: 5 }, { signal })));
    await expect.poll(() => seen.length).toBe(1);
    one.abort(new Error('navigated'));
    expect(await calls[0]).toMatchObject({ name: 'TRPCClientError', reason: null });
    expect(seen[0]?.aborted).toBe(false);
    other.abort();
    expect(await calls[1]).toMatchObject({ reason: null });
    expect(seen[0]?.aborted).toBe(true);
  });

  it('sends nothing for a call that was aborted before its tick ended', async () => {
    await using app = await startApp();
    const { trpc, sent } = await open(app, 'ours');
    const abort = new AbortController();
    const aborted = outcomeOf(trpc.users.byId.query({ id: 5 }, { signal: abort.signal }));
    abort.abort();
    const early = outcomeOf(trpc.users.byId.query({ id: 6 }, { signal: abort.signal }));
    const good = await trpc.users.byId.query({ id: 8 });
    expect(good.id).toBe(8);
    expect(await aborted).toMatchObject({ reason: null });
    expect(await early).toMatchObject({ reason: null });
    expect(sent).toHaveLength(1);
    expect(sent[0]?.url).not.toContain('users.byId,');
  });

  it('leaves no listener on a signal after the call', async () => {
    await using app = await startApp();
    const { trpc } = await open(app, 'ours');
    const { signal } = new AbortController();
    let listeners = 0;
    const [add, remove] = [signal.addEventListener, signal.removeEventListener];
    signal.addEventListener = ((...args: Parameters<typeof add>) => {
      listeners += 1;
      add.apply(signal, args);
    }) as typeof add;
    signal.removeEventListener = ((...args: Parameters<typeof remove>) => {
      listeners -= 1;
      remove.apply(signal, args);
    }) as typeof remove;
    await trpc.users.byId.query({ id: 5 }, { signal });
    expect(listeners).toBe(0);
  });
});
