import { afterEach, describe, expect, it, vi } from 'vitest';
import { type RetryOptions, reasonOf } from '../../../client/src/index.ts';
import { refusal } from '../../support/page/fake-bff.ts';
import { createWorld, type WorldOptions } from '../../support/page/open-tabs.ts';

afterEach(() => {
  vi.unstubAllGlobals();
});

const open = async (retry?: RetryOptions | false, options: WorldOptions = {}) => {
  const world = createWorld(options);
  world.browser.signIn();
  const tab = world.openTab({ retry, random: () => 0.5 });
  await tab.trpc.session.me.query();
  const before = world.bff.asked.length;
  return { ...world, ...tab, requests: () => world.bff.asked.length - before };
};

const outage = () => refusal('auth_service_unavailable');

describe('a query during an outage', () => {
  it('is retried three times with doubling delays, and then fails', async () => {
    const { trpc, bff, clock, requests } = await open();
    bff.state.failure = outage();
    const start = clock.now();
    const sentAt: number[] = [];
    bff.state.intercept = () => {
      sentAt.push(clock.now() - start);
      return null;
    };
    const failed = trpc.users.byId.query({ id: 1 }).catch(reasonOf);
    await clock.advance(60_000);
    expect(await failed).toBe('auth_service_unavailable');
    // Full jitter: half of 500, 1000 and 2000, with this random.
    expect(sentAt).toEqual([0, 250, 750, 1_750]);
    expect(requests()).toBe(4);
    expect(clock.pending()).toBe(1);
  });

  it('succeeds as soon as the service is back', async () => {
    const { trpc, bff, clock, requests } = await open();
    bff.state.failure = outage();
    const call = trpc.users.byId.query({ id: 1 });
    await clock.advance(300);
    bff.state.failure = null;
    await clock.advance(60_000);
    expect(await call).toEqual({ id: 1 });
    expect(requests()).toBe(3);
  });

  it('waits at least retryAfterSeconds', async () => {
    const { trpc, bff, clock, requests } = await open();
    bff.state.failure = refusal('auth_service_unavailable', 7);
    const call = trpc.users.byId.query({ id: 1 });
    await clock.advance(6_999);
    expect(requests()).toBe(1);
    bff.state.failure = null;
    await clock.advance(1_000);
    expect(await call).toEqual({ id: 1 });
    expect(requests()).toBe(2);
  });

  it('fails at once if retryAfterSeconds exceeds maxDelayMs', async () => {
    const { trpc, bff, requests } = await open();
    bff.state.failure = refusal('auth_service_unavailable', 60);
    expect(await trpc.users.byId.query({ id: 1 }).catch(reasonOf)).toBe('auth_service_unavailable');
    expect(requests()).toBe(1);
  });

  it('is retried after a network failure', async () => {
    const { trpc, bff, clock, requests } = await open();
    bff.state.intercept = () => Promise.reject(new TypeError('Failed to fetch'));
    const failed = trpc.users.byId.query({ id: 1 }).catch(reasonOf);
    await clock.advance(60_000);
    expect(await failed).toBe('network');
    expect(requests()).toBe(4);
  });

  it('is retried if its refresh fails, and the session continues', async () => {
    const { trpc, bff, clock, onSignedOut } = await open();
    bff.state.aheadMs = 901_000;
    bff.state.intercept = ({ path }) => (path === 'session.refresh' ? new Response('', { status: 502 }) : null);
    const call = trpc.users.byId.query({ id: 1 });
    await clock.advance(300);
    bff.state.intercept = null;
    await clock.advance(60_000);
    expect(await call).toEqual({ id: 1 });
    expect(bff.exchanges()).toBe(1);
    expect(onSignedOut).not.toHaveBeenCalled();
  });

  it('fails at once if it is aborted between two attempts', async () => {
    const { trpc, bff, clock, requests } = await open();
    bff.state.failure = outage();
    const abort = new AbortController();
    const call = trpc.users.byId.query({ id: 1 }, { signal: abort.signal }).catch(reasonOf);
    await clock.advance(100);
    abort.abort(new Error('navigated'));
    expect(await call).toBeNull();
    await clock.advance(60_000);
    expect(requests()).toBe(1);
    expect(clock.pending()).toBe(1);
  });

  it('is not retried if it is aborted before or during its request', async () => {
    const { trpc, bff, clock, requests } = await open();
    expect(await trpc.users.byId.query({ id: 1 }, { signal: AbortSignal.abort() }).catch(reasonOf)).toBeNull();
    bff.state.intercept = () => new Promise(() => {});
    const abort = new AbortController();
    const call = trpc.users.byId.query({ id: 1 }, { signal: abort.signal }).catch(reasonOf);
    await clock.advance(100);
    abort.abort();
    expect(await call).toBeNull();
    await clock.advance(60_000);
    expect(requests()).toBe(1);
    expect(clock.pending()).toBe(1);
  });

  it('uses the configured delays', async () => {
    const { trpc, bff, clock, requests } = await open({ attempts: 1, baseDelayMs: 4_000 });
    bff.state.failure = outage();
    const failed = trpc.users.byId.query({ id: 1 }).catch(reasonOf);
    await clock.advance(1_999);
    expect(requests()).toBe(1);
    await clock.advance(1);
    expect(await failed).toBe('auth_service_unavailable');
    expect(requests()).toBe(2);
  });
});

describe('no retry', () => {
  it('if retry is false', async () => {
    const { trpc, bff, requests } = await open(false);
    bff.state.failure = outage();
    expect(await trpc.users.byId.query({ id: 1 }).catch(reasonOf)).toBe('auth_service_unavailable');
    expect(requests()).toBe(1);
  });

  it('if the call is a mutation', async () => {
    const { trpc, bff, clock, requests } = await open();
    bff.state.intercept = () => Promise.reject(new TypeError('Failed to fetch'));
    const failed = trpc.session.login.mutate({ email: 'john@example.com', password: 'x' }).catch(reasonOf);
    await clock.advance(60_000);
    expect(await failed).toBe('network');
    expect(requests()).toBe(1);
  });

  it.each(['user_not_found', 'insufficient_permissions', 'rate_limited', 'auth_service_contract', 'internal'] as const)(
    'that failed with %s',
    async (reason) => {
      const { trpc, bff, clock, requests } = await open();
      bff.state.failure = refusal(reason);
      const failed = trpc.users.byId.query({ id: 1 }).catch(reasonOf);
      await clock.advance(60_000);
      expect(await failed).toBe(reason);
      expect(requests()).toBe(1);
    },
  );

  it('if the call is too long to be sent', async () => {
    const { trpc, clock, requests } = await open();
    const ids = Array.from({ length: 5_000 }, (_, id) => id);
    const failed = trpc.users.byIds.query({ ids }).catch((error: unknown) => [reasonOf(error), String(error)]);
    await clock.advance(60_000);
    expect(await failed).toEqual([null, expect.stringContaining('too big')]);
    expect(requests()).toBe(0);
  });
});

describe('a page of 50 queries during an outage', () => {
  const askPage = async (random: () => number) => {
    const world = createWorld();
    world.browser.signIn();
    const { trpc } = world.openTab({ retry: undefined, random });
    await trpc.session.me.query();
    world.bff.state.failure = outage();
    const before = world.bff.asked.length;
    const page = Array.from({ length: 50 }, (_, id) => trpc.users.byId.query({ id }).catch(reasonOf));
    await world.clock.advance(60_000);
    expect(new Set(await Promise.all(page))).toEqual(new Set(['auth_service_unavailable']));
    return { calls: world.bff.callCount('users.byId'), requests: world.bff.asked.length - before, ...world, trpc };
  };

  it('makes 70 calls in all, in 21 requests, and not 200', async () => {
    // Spread as chance would have it, and yet the same each time.
    let seed = 1;
    const { calls, requests } = await askPage(() => {
      seed = (seed * 16_807) % 2_147_483_647;
      return seed / 2_147_483_647;
    });
    // 50 in one batch, and then 20 attempts, each at a time of its own.
    expect({ calls, requests }).toEqual({ calls: 70, requests: 21 });
  });

  it('makes few retries on the next page, and earns the budget back with successes', async () => {
    const { trpc, bff, clock } = await askPage(() => 0.5);
    const count = async () => {
      const before = bff.callCount('users.byId');
      const failed = trpc.users.byId.query({ id: 1 }).catch(reasonOf);
      await clock.advance(60_000);
      await failed;
      return bff.callCount('users.byId') - before;
    };
    expect(await count()).toBe(1);
    bff.state.failure = null;
    for (let call = 0; call < 10; call += 1) await trpc.users.byId.query({ id: 1 });
    bff.state.failure = outage();
    // Ten successes are worth two attempts.
    expect(await count()).toBe(3);
    expect(await count()).toBe(1);
  });
});
