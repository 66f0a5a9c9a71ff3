import { type TRPCLink } from '@trpc/client';
import { observable } from '@trpc/server/observable';
import { afterEach, describe, expect, it, vi } from 'vitest';
import {
  type AppRouter,
  createAuthClient,
  errorData,
  queryRetry,
  type SessionSnapshot,
} from '../../client/src/index.ts';
import { johnsCredentials } from '../support/app/people.ts';
import { startApp } from '../support/app/start-app.ts';
import { refusal } from '../support/page/fake-bff.ts';
import { createWorld } from '../support/page/open-tabs.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const caught = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => {
      throw new Error('The call succeeded.');
    },
    (error: unknown) => error,
  );

describe('the url of createAuthClient', () => {
  it('names /trpc in the errors of a client whose url lacks it', async () => {
    await using app = await startApp();
    const { trpc } = createAuthClient({ url: app.url, fetch: app.browser().fetch });
    const { email, password } = johnsCredentials;
    for (const call of [trpc.session.current.query(), trpc.session.login.mutate({ email, password })]) {
      expect(await caught(call)).toMatchObject({
        message: expect.stringContaining('procedures are below /trpc'),
        data: { reason: 'no_such_procedure' },
      });
    }
  });
});

describe('the links of createAuthClient', () => {
  /** Notes the calls that pass. */
  const noting =
    (name: string, notes: string[]): TRPCLink<AppRouter> =>
    () =>
    ({ op, next }) =>
      observable((observer) => {
        notes.push(`${name} ${op.path}`);
        return next(op).subscribe({
          ...observer,
          next: (envelope) => {
            notes.push(`${name} result`);
            observer.next(envelope);
          },
        });
      });

  it('see each call once in their order, though it is repeated after a refresh', async () => {
    const world = createWorld();
    const notes: string[] = [];
    const tab = await world.openSignedIn({ links: [noting('first', notes), noting('second', notes)] });
    notes.length = 0;
    world.bff.state.aheadMs = 901_000;
    await tab.trpc.users.byId.query({ id: 5 });
    expect([world.bff.callCount('users.byId'), world.bff.exchanges()]).toEqual([2, 1]);
    expect(notes).toEqual(['first users.byId', 'second users.byId', 'second result', 'first result']);
  });

  it('see a call once, though it is retried in an outage', async () => {
    const world = createWorld();
    const notes: string[] = [];
    const tab = await world.openSignedIn({ links: [noting('link', notes)], retry: { attempts: 1 } });
    notes.length = 0;
    world.bff.state.failure = refusal('auth_service_unavailable');
    const error = caught(tab.trpc.users.byId.query({ id: 5 }));
    await world.clock.advance(10_000);
    expect(errorData(await error)?.reason).toBe('auth_service_unavailable');
    expect(world.bff.callCount('users.byId')).toBe(2);
    expect(notes).toEqual(['link users.byId']);
  });
});

describe('notifyOnSubscribe', () => {
  it.each([
    [undefined, []],
    [false, []],
    [true, ['unknown']],
  ])('%s calls a new listener with the states %j', (notifyOnSubscribe, states) => {
    const { session } = createWorld().openTab({ notifyOnSubscribe });
    const seen: string[] = [];
    session.subscribe(({ state }) => void seen.push(state));
    expect(seen).toEqual(states);
  });

  it('is what the store contract of Svelte wants: the value at once, then each change, until it is unsubscribed', async () => {
    const world = createWorld();
    const { session } = await world.openSignedIn({ notifyOnSubscribe: true });
    const seen: SessionSnapshot[] = [];
    const unsubscribe = session.subscribe((snapshot) => void seen.push(snapshot));
    expect(seen).toEqual([session.current]);
    await session.signOut();
    unsubscribe();
    expect(seen.map(({ state }) => state)).toEqual(['signed_in', 'signed_out']);
  });
});

describe('errorData', () => {
  it('returns the data of a rejected call, with the seconds to wait', async () => {
    const world = createWorld();
    const { trpc } = await world.openSignedIn();
    world.bff.state.failure = refusal('rate_limited', 7);
    expect(errorData(await caught(trpc.users.byId.query({ id: 5 })))).toEqual({
      code: 'TOO_MANY_REQUESTS',
      httpStatus: 429,
      reason: 'rate_limited',
      retryAfterSeconds: 7,
    });
  });

  it('is null for a network failure, an aborted call, and anything that is not a failed call', async () => {
    const world = createWorld();
    const { trpc } = world.openTab();
    world.bff.state.intercept = () => Promise.reject(new TypeError('Failed to fetch'));
    const others = [new Error('x'), { data: { reason: 'no_token' } }, null, undefined, 'no_token'];
    const signal = AbortSignal.abort();
    const failed = await Promise.all([
      caught(trpc.users.byId.query({ id: 5 })),
      caught(trpc.users.byId.query({ id: 5 }, { signal })),
    ]);
    expect([...failed, ...others].map(errorData)).toEqual([...failed, ...others].map(() => null));
  });
});

describe('queryRetry', () => {
  it('retries no call of the BFF, and other queries three times', async () => {
    const world = createWorld();
    const { trpc } = world.openTab();
    const ofTheBff = (await caught(trpc.users.byId.query({ id: 5 }))) as Error;
    const other = new Error('Another backend failed.');
    expect([0, 1, 2, 3].map((failures) => queryRetry(failures, ofTheBff))).toEqual([false, false, false, false]);
    expect([0, 1, 2, 3].map((failures) => queryRetry(failures, other))).toEqual([true, true, true, false]);
  });

  it('retries nothing on a server', () => {
    expect(queryRetry(0, new Error('Another backend failed.'))).toBe(false);
  });
});
