import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { dialects } from '../../../support/app/start-app.ts';
import { startHeldReplicas, type StartReplicasOptions } from '../../../support/processes/start-replicas.ts';
import { hasRedis, type RedisServer, startRedis } from '../../../support/redis/redis.ts';
import { inRedis } from '../../../support/redis/in-redis.ts';
import type { OpenEvents } from '../../../support/sse/open-events.ts';
import { startLive, subscriber } from '../../../support/sse/start-live.ts';

const ended = { reason: 'session_ended' };

/** The event of `session.onEnd`, after which it completes. */
const endOf = async (stream: OpenEvents): Promise<unknown> => {
  await vi.waitFor(() => expect(stream.isEnded()).toBe(true));
  expect(stream.error()).toBeNull();
  expect(stream.events().map(({ event }) => event)).toEqual(['connected', 'message', 'return']);
  return stream.data()[0];
};
const reasonOfEnd = async (stream: OpenEvents) => {
  await vi.waitFor(() => expect(stream.isEnded()).toBe(true));
  return stream.error()?.data.reason;
};

describe.each(dialects)('session.onEnd in the %s dialect', (dialect) => {
  it('tells that the session was signed out in another tab, and turns end with session_ended', async () => {
    await using live = await startLive({ dialect });
    const { browser, onEnd, onTurn } = await live.signIn();
    // The Auth Service gives equal tokens within one second.
    live.clock.advance(1_000);
    const other = await live.signIn();
    using end = await onEnd();
    using turns = await onTurn();
    using later = await other.onEnd();
    await live.isOpen(end, turns, later);
    await browser.trpc.session.logout.mutate();
    expect(await endOf(end)).toEqual(ended);
    expect(await reasonOfEnd(turns)).toBe('session_ended');
    expect(turns.error()?.message).toBe('This session was signed out.');
    // Another session of the same person.
    live.passTime(1_000);
    expect(later.isEnded()).toBe(false);
  });

  it('tells that a session was signed out with the tokens of a refresh', async () => {
    await using live = await startLive({ dialect });
    const { browser, onEnd } = await live.signIn();
    using end = await onEnd();
    await live.isOpen(end);
    live.clock.advance(1_000);
    await browser.trpc.session.refresh.mutate();
    expect(end.isEnded()).toBe(false);
    await browser.trpc.session.logout.mutate();
    expect(await endOf(end)).toEqual(ended);
  });

  it('tells that all sessions of the person were ended, and not that of a later sign-in', async () => {
    await using live = await startLive({ dialect });
    const first = await live.signIn();
    live.clock.advance(1_000);
    const second = await live.signIn();
    using one = await first.onEnd();
    using two = await second.onTurn();
    using employee = await (await live.signIn({ type: 'employee', id: 1 })).onEnd();
    await live.isOpen(one, two, employee);
    await second.browser.trpc.session.logoutEverywhere.mutate();
    expect(await endOf(one)).toEqual(ended);
    expect(await reasonOfEnd(two)).toBe('session_ended');
    live.clock.advance(2_000);
    const third = await live.signIn();
    using three = await third.onEnd();
    await live.isOpen(three);
    live.passTime(1_000);
    expect([three.isEnded(), employee.isEnded()]).toEqual([false, false]);
  });

  it('tells other browsers that the password was changed, and not the one that changed it', async () => {
    await using live = await startLive({ dialect });
    const own = await live.signIn();
    live.clock.advance(1_000);
    const other = await live.signIn();
    using kept = await own.onEnd();
    using end = await other.onEnd();
    await live.isOpen(kept, end);
    live.app.authService.resetCalls();
    await own.browser.trpc.account.changePassword.mutate({
      currentPassword: 'staff-pass-1',
      newPassword: 'another-pass-word-2',
    });
    expect(await endOf(end)).toEqual(ended);
    live.passTime(1_000);
    expect(kept.isEnded()).toBe(false);
  });

  it('tells that the person was found inactive', async () => {
    await using live = await startLive({ dialect });
    const { onEnd, onTurn } = await live.signIn();
    const colleague = await live.signIn({ type: 'staff', id: 6 });
    using end = await onEnd();
    using turns = await onTurn();
    await live.isOpen(end, turns);
    live.app.authService.changePerson({ type: 'staff', id: 123 }, { is_active: false });
    await colleague.browser.trpc.users.byId.query({ id: 123 });
    live.passTime(1_000);
    expect(await endOf(end)).toEqual({ reason: 'account_inactive' });
    expect(await reasonOfEnd(turns)).toBe('session_ended');
    expect(turns.error()?.message).toMatch(/no longer active/);
  });
});

describe.skipIf(!hasRedis())('with two replicas', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis[Symbol.asyncDispose]());

  const start = async (options: StartReplicasOptions = {}) => {
    // By default, only messages tell of a sign-out: no check of all sessions runs.
    const replicas = await startHeldReplicas({ redis, liveLimits: { sweepMs: 3_600_000 }, ...options });
    const { access } = replicas.tokens;
    return { ...replicas, at: subscriber(replicas.second, access) };
  };
  const isOpen = (...streams: OpenEvents[]) =>
    vi.waitFor(() => expect(streams.every((stream) => stream.events().length > 0)).toBe(true));

  it('a sign-out at one ends the streams at the other', async () => {
    await using test = await start();
    using end = await test.at.onEnd();
    using turns = await test.at.onTurn();
    await isOpen(end, turns);
    await test.holder(test.first).trpc.session.logout.mutate();
    expect(await endOf(end)).toEqual(ended);
    expect(await reasonOfEnd(turns)).toBe('session_ended');
  });

  it('a sign-out with the tokens of a refresh, which this replica has not seen, ends the streams here', async () => {
    await using test = await start();
    using end = await test.at.onEnd();
    await isOpen(end);
    const browser = test.holder(test.first);
    test.clock.advance(1_000);
    await browser.trpc.session.refresh.mutate();
    expect(browser.cookies.get('access_token')).not.toBe(test.tokens.access);
    await browser.trpc.session.logout.mutate();
    expect(await endOf(end)).toEqual(ended);
  });

  it('a sign-out everywhere at one ends the streams at both, and not that of a later sign-in', async () => {
    await using test = await start();
    using here = await subscriber(test.first, test.tokens.access ?? '').onEnd();
    using there = await test.at.onEnd();
    await isOpen(here, there);
    await test.holder(test.first).trpc.session.logoutEverywhere.mutate();
    expect(await endOf(here)).toEqual(ended);
    expect(await endOf(there)).toEqual(ended);
    test.clock.advance(2_000);
    const { access } = await test.authService.issue({ type: 'staff', id: 123 });
    using later = await subscriber(test.second, access).onEnd();
    await isOpen(later);
    expect(later.error()).toBeNull();
  });

  it('a change of password at one ends the streams of other browsers at the other, and keeps those of its own', async () => {
    await using test = await start();
    test.clock.advance(1_000);
    const other = await test.authService.issue({ type: 'staff', id: 123 });
    using kept = await test.at.onEnd();
    using end = await subscriber(test.second, other.access).onEnd();
    await isOpen(kept, end);
    await test.holder(test.first).trpc.account.changePassword.mutate({
      currentPassword: 'staff-pass-1',
      newPassword: 'another-pass-word-2',
    });
    expect(await endOf(end)).toEqual(ended);
    expect(kept.isEnded()).toBe(false);
  });

  it('a sign-out whose message does not arrive is found in Redis', async () => {
    const subscribe = (may: '+' | '-') =>
      inRedis(redis, (client) => client.call('ACL', 'SETUSER', 'default', `${may}subscribe`));
    await subscribe('-');
    try {
      await using test = await start({ liveLimits: { sweepMs: 10, recheckMs: 50 } });
      using end = await test.at.onEnd();
      await isOpen(end);
      await test.holder(test.first).trpc.session.logout.mutate();
      expect(await endOf(end)).toEqual(ended);
    } finally {
      await subscribe('+');
    }
  });
});
