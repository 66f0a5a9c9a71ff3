import {
  createTRPCClient,
  httpBatchLink,
  httpLink,
  httpSubscriptionLink,
  splitLink,
  TRPCClientError,
  type TRPCLink,
} from '@trpc/client';
import { observable } from '@trpc/server/observable';
import superjson from 'superjson';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { reasonOf, type RefreshLinkOptions, refreshLink } from '../../../client/src/index.ts';
import type { AuthFetch } from '../../../client/src/transport.ts';
import { type FakeBff, john } from '../../support/page/fake-bff.ts';
import { createEventSource } from '../../support/page/fake-event-source.ts';
import { createWorld, type World } from '../../support/page/open-tabs.ts';
import { hold } from '../../support/time/hold.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

type Router = FakeBff['router'];

const url = 'https://app.test/trpc';
const toFetch = (fetch: AuthFetch) => (input: RequestInfo | URL, init?: object) => fetch(input, init);

/** A custom tRPC client that uses only refreshLink of this package. */
const createOwnClient = (world: World, { headers, ...own }: Partial<RefreshLinkOptions> = {}) => {
  const onSignedOut = vi.fn<() => void>();
  const sending = {
    url,
    transformer: superjson,
    fetch: toFetch(world.browser.fetch),
    headers: typeof headers === 'object' ? headers : {},
  };
  const trpc = createTRPCClient<Router>({
    links: [
      refreshLink({
        url,
        fetch: world.browser.fetch,
        clock: world.clock,
        random: () => 0,
        onSignedOut,
        ...(headers === undefined ? {} : { headers }),
        ...own,
      }),
      splitLink({
        condition: ({ type }) => type === 'subscription',
        true: httpSubscriptionLink({ ...sending, EventSource: createEventSource(world.browser.fetch) }),
        false: splitLink({
          condition: ({ type }) => type === 'mutation',
          true: httpLink(sending),
          false: httpBatchLink(sending),
        }),
      }),
    ],
  });
  return { trpc, onSignedOut };
};

const signIn = ({ browser }: World) => browser.signIn(john);
const expire = ({ bff }: World) => {
  bff.state.aheadMs += 901_000;
};

describe('refreshLink in a custom client', () => {
  it('repeats queries and mutations once, after one refresh for all, and queries batched again', async () => {
    const world = createWorld();
    signIn(world);
    expire(world);
    const { trpc } = createOwnClient(world);
    const held = hold();
    world.bff.state.exchangeHeld = held.until;
    const queries = Array.from({ length: 5 }, (_, id) => trpc.users.byId.query({ id }));
    const added = [trpc.notes.add.mutate('first'), trpc.notes.add.mutate('second')];
    await world.settle();
    held.release();
    expect(await Promise.all(queries)).toEqual(Array.from({ length: 5 }, (_, id) => ({ id })));
    expect(await Promise.all(added)).toEqual([1, 2]);
    expect(world.bff.notes).toEqual(['first', 'second']);
    expect(world.bff.exchanges()).toBe(1);
    const paths = world.bff.asked.map(({ path }) => path).toSorted();
    const batch = 'users.byId,users.byId,users.byId,users.byId,users.byId';
    expect(paths).toEqual([...Array.from({ length: 4 }, () => 'notes.add'), 'session.refresh', batch, batch]);
  });

  it('repeats a mutation at most once', async () => {
    const world = createWorld();
    signIn(world);
    world.bff.state.lifetimeSeconds = 0;
    expire(world);
    const { trpc } = createOwnClient(world);
    expect(await trpc.notes.add.mutate('never').catch(reasonOf)).toBe('token_expired');
    expect(world.bff.asked.map(({ path }) => path)).toEqual(['notes.add', 'session.refresh', 'notes.add']);
    expect(world.bff.notes).toEqual([]);
  });

  it.each(['no_token', 'token_invalid', 'session_ended', 'bad_credentials', 'insufficient_permissions'] as const)(
    'does not refresh for %s',
    async (reason) => {
      const world = createWorld();
      signIn(world);
      const { trpc } = createOwnClient(world);
      const data = { code: 'UNAUTHORIZED', httpStatus: 401, reason };
      const error = { error: { json: { message: reason, code: -32_001, data } } };
      world.bff.state.intercept = () => new Response(JSON.stringify([error]), { status: 401 });
      expect(await trpc.users.byId.query({ id: 1 }).catch(reasonOf)).toBe(reason);
      expect(world.bff.asked).toHaveLength(1);
    },
  );

  it('repeats only the rejected calls of a batch', async () => {
    const world = createWorld();
    signIn(world);
    expire(world);
    const { trpc } = createOwnClient(world);
    const calls = [trpc.users.byId.query({ id: 1 }), trpc.status.get.query(), trpc.users.byId.query({ id: 2 })];
    expect(await Promise.all(calls)).toEqual([{ id: 1 }, { authService: 'up' }, { id: 2 }]);
    expect(world.bff.callCount('status.get')).toBe(1);
    expect(world.bff.asked.at(-1)?.path).toBe('users.byId,users.byId');
  });

  it('calls onSignedOut and fails each waiting call with session_ended', async () => {
    const world = createWorld();
    signIn(world);
    expire(world);
    if (world.browser.jar.refresh !== null) world.browser.jar.refresh.chain.isEnded = true;
    world.browser.jar.access = null;
    const { trpc, onSignedOut } = createOwnClient(world);
    const calls = [trpc.users.byId.query({ id: 1 }), trpc.notes.add.mutate('never')];
    expect(await Promise.all(calls.map((call) => call.catch(reasonOf)))).toEqual(['session_ended', 'session_ended']);
    expect(onSignedOut).toHaveBeenCalledTimes(1);
  });

  it('does not refresh if the headers option sends the token', async () => {
    const world = createWorld();
    signIn(world);
    expire(world);
    const { trpc, onSignedOut } = createOwnClient(world, { headers: { Authorization: 'Bearer x' } });
    expect(await trpc.users.byId.query({ id: 1 }).catch(reasonOf)).toBe('token_expired');
    expect(world.bff.count('session.refresh')).toBe(0);
    expect(onSignedOut).not.toHaveBeenCalled();
  });

  it('understands errors of a second copy of @trpc/client', async () => {
    const world = createWorld();
    signIn(world);
    expire(world);
    // The same class by another identity.
    class ForeignError extends Error {
      override name = 'TRPCClientError';
      readonly data = { code: 'UNAUTHORIZED', httpStatus: 401, reason: 'token_expired' };
      readonly shape = {};
    }
    let sent = 0;
    const sendingLink: TRPCLink<Router> = () => () =>
      observable((observer) => {
        sent += 1;
        if (sent === 1) observer.error(new ForeignError('expired') as unknown as TRPCClientError<Router>);
        else observer.next({ result: { data: { id: 1 } } });
        observer.complete();
      });
    const link = refreshLink<Router>({ url, fetch: world.browser.fetch, clock: world.clock });
    const trpc = createTRPCClient<Router>({ links: [link, sendingLink] });
    expect(await trpc.users.byId.query({ id: 1 })).toEqual({ id: 1 });
    expect(world.bff.exchanges()).toBe(1);
  });

  it('ignores responses of another router that look like ours', async () => {
    const world = createWorld();
    const all: unknown[] = [null, 7, 'John', {}, { user: null }, { user: 'John' }, { session: true }];
    const answers = all.values();
    const sendingLink: TRPCLink<Router> = () => () =>
      observable((observer) => {
        observer.next({ result: { data: answers.next().value } });
        observer.complete();
      });
    const onSignedOut = vi.fn<() => void>();
    const link = refreshLink<Router>({ url, fetch: world.browser.fetch, clock: world.clock, onSignedOut });
    const trpc = createTRPCClient<Router>({ links: [link, sendingLink] });
    for (const answer of all) expect(await trpc.session.me.query()).toEqual(answer);
    expect(onSignedOut).not.toHaveBeenCalled();
  });

  it('fails a call whose link throws during the repeat', async () => {
    const world = createWorld();
    signIn(world);
    let sent = 0;
    const sendingLink: TRPCLink<Router> = () => () =>
      observable((observer) => {
        sent += 1;
        if (sent > 1) throw new Error('no more links');
        const data = { code: 'UNAUTHORIZED', httpStatus: 401, reason: 'token_expired' };
        const error = { code: -32_001 as const, message: 'expired', data };
        observer.error(new TRPCClientError('expired', { result: { error: error as never } }));
      });
    const link = refreshLink<Router>({ url, fetch: world.browser.fetch, clock: world.clock });
    const trpc = createTRPCClient<Router>({ links: [link, sendingLink] });
    await expect(trpc.users.byId.query({ id: 1 })).rejects.toThrow('no more links');
  });
});

describe('an aborted call', () => {
  const waitForRefresh = async () => {
    const world = createWorld();
    signIn(world);
    expire(world);
    const held = hold();
    world.bff.state.exchangeHeld = held.until;
    return { world, held, ...createOwnClient(world) };
  };

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['an error', new Error('navigated')],
    ['a word', 'navigated'],
    ['null', null],
  ])('fails at once when aborted with %s, while other calls keep waiting', async (_name, why) => {
    const { world, held, trpc } = await waitForRefresh();
    const abort = new AbortController();
    const leaving = trpc.users.byId.query({ id: 1 }, { signal: abort.signal }).catch((error: unknown) => error);
    const staying = trpc.users.byId.query({ id: 2 });
    await world.settle();
    expect(world.bff.count('session.refresh')).toBe(1);
    abort.abort(why);
    const error = await leaving;
    expect(error).toBeInstanceOf(TRPCClientError);
    expect(reasonOf(error)).toBeNull();
    held.release();
    expect(await staying).toEqual({ id: 2 });
    expect(world.bff.asked.at(-1)?.path).toBe('users.byId');
    expect(world.bff.exchanges()).toBe(1);
  });

  it('does not abort the refresh that other calls may need', async () => {
    const { world, held, trpc } = await waitForRefresh();
    const abort = new AbortController();
    const leaving = trpc.users.byId.query({ id: 1 }, { signal: abort.signal }).catch(reasonOf);
    await world.settle();
    abort.abort();
    expect(await leaving).toBeNull();
    held.release();
    await world.settle();
    expect(await trpc.users.byId.query({ id: 2 })).toEqual({ id: 2 });
    expect(world.bff.exchanges()).toBe(1);
  });

  it('leaves no listener on a long-lived signal', async () => {
    const { world, held, trpc } = await waitForRefresh();
    held.release();
    const { signal } = new AbortController();
    const [added, removed] = [vi.spyOn(signal, 'addEventListener'), vi.spyOn(signal, 'removeEventListener')];
    await trpc.users.byId.query({ id: 1 }, { signal });
    await world.settle();
    // tRPC adds one for each of the two times that the call is sent, and keeps them.
    expect(added.mock.calls.length - removed.mock.calls.length).toBe(2);
    expect(removed).toHaveBeenCalledTimes(1);
  });
});

describe('a subscription', () => {
  const event = (number: number) => ({ id: `e${number}`, text: `event ${number}` });

  const subscribe = async (world: World, own: Partial<RefreshLinkOptions> = {}) => {
    const { trpc, onSignedOut } = createOwnClient(world, own);
    await trpc.session.me.query().catch(() => {});
    const seen: string[] = [];
    const errors: unknown[] = [];
    const { unsubscribe } = trpc.events.subscribe(undefined, {
      onData: ({ data }) => void seen.push(data),
      onError: (error) => void errors.push(reasonOf(error)),
    });
    await world.settle();
    return { seen, errors, unsubscribe, onSignedOut };
  };

  it('resumes after each refresh from its last event id', async () => {
    const world = createWorld();
    signIn(world);
    world.bff.publish(event(1), event(2));
    const { seen, errors, unsubscribe } = await subscribe(world);
    expect(seen).toEqual(['event 1', 'event 2']);
    for (let round = 1; round <= 3; round += 1) {
      world.bff.publish(event(round + 2));
      expire(world);
      world.clock.sleep(10_000);
      await vi.waitFor(() => expect(seen).toHaveLength(round + 2));
    }
    expect(seen).toEqual(['event 1', 'event 2', 'event 3', 'event 4', 'event 5']);
    expect(errors).toEqual([]);
    expect(world.bff.exchanges()).toBe(3);
    const inputs = world.bff.asked.filter(({ path }) => path === 'events').map(({ request }) => request.url);
    expect(inputs).toHaveLength(4);
    expect(decodeURIComponent(inputs.at(-1) ?? '')).toContain('"lastEventId":"e4"');
    unsubscribe();
  });

  it('resumes although an EventSource reports no reason', async () => {
    const world = createWorld();
    signIn(world);
    world.bff.publish(event(1));
    world.bff.state.intercept = ({ path }) => {
      if (path !== 'events') return null;
      world.bff.state.intercept = null;
      world.clock.sleep(901_000);
      return new Response('{"error":"expired"}', { status: 401 });
    };
    const { seen, errors, unsubscribe } = await subscribe(world);
    await vi.waitFor(() => expect(seen).toEqual(['event 1']));
    expect(errors).toEqual([]);
    expect(world.bff.exchanges()).toBe(1);
    unsubscribe();
  });

  it('does not refresh if the stream breaks while the token is valid', async () => {
    const world = createWorld();
    signIn(world);
    world.bff.state.intercept = ({ path }) => (path === 'events' ? new Response('', { status: 502 }) : null);
    const { errors } = await subscribe(world);
    expect(errors).toEqual(['network']);
    expect(world.bff.exchanges()).toBe(0);
  });

  it('does not loop if every token is rejected at once', async () => {
    const world = createWorld({ lifetimeSeconds: 0 });
    signIn(world);
    world.bff.publish(event(1));
    const { errors } = await subscribe(world);
    await vi.waitFor(() => expect(errors).toHaveLength(1));
    expect(world.bff.count('events')).toBeLessThanOrEqual(2);
    expect(world.bff.exchanges()).toBeLessThanOrEqual(2);
  });

  it('fails with session_ended if the refresh is rejected', async () => {
    const world = createWorld();
    signIn(world);
    const { errors, onSignedOut } = await subscribe(world);
    if (world.browser.jar.refresh !== null) world.browser.jar.refresh.chain.isEnded = true;
    expire(world);
    await vi.waitFor(() => expect(errors).toEqual(['session_ended']));
    expect(onSignedOut).toHaveBeenCalledTimes(1);
  });

  it('does not resume if it is unsubscribed during the refresh', async () => {
    const world = createWorld();
    signIn(world);
    const held = hold();
    const { unsubscribe, seen } = await subscribe(world);
    world.bff.state.exchangeHeld = held.until;
    world.bff.publish(event(1));
    expire(world);
    await vi.waitFor(() => expect(world.bff.count('session.refresh')).toBe(1));
    unsubscribe();
    held.release();
    await world.settle();
    expect(world.bff.count('events')).toBe(1);
    expect(seen).toEqual([]);
  });
});
