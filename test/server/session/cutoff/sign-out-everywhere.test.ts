import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../../support/app/browser.ts';
import { john } from '../../../support/app/people.ts';
import { createClock, dialects, startApp } from '../../../support/app/start-app.ts';
import { hasRedis } from '../../../support/redis/redis.ts';
import { inRedis } from '../../../support/redis/in-redis.ts';
import { craft, seconds, staffClaims } from '../../../support/token/tokens.ts';
import { ended, sameAt, signedInAt, stateOf, works } from '../../../support/session/session-state.ts';
import { heldBy, startReplicas, type StartReplicasOptions } from '../../../support/processes/start-replicas.ts';

describe.each(dialects)('sign-out everywhere at one process, in front of the %s dialect', (dialect) => {
  it('ends every session of the person, clears the cookies of this browser, and lets them sign in again', async () => {
    await using app = await startApp({ dialect });
    const [here, there] = [await signedInAt(app), await signedInAt(app)];
    const outside = app.browser();
    outside.holdTokens(await app.authService.issue(john));
    const namesake = app.browser();
    namesake.holdTokens(await app.authService.issue({ type: 'employee', id: 1 }));
    expect(await here.trpc.session.logoutEverywhere.mutate()).toBeNull();
    expect([...here.cookies.keys()]).not.toContain('access_token');
    expect([await stateOf(there), await stateOf(outside)]).toEqual([ended, ended]);
    // The clock has not moved: the new session has the same `iat`.
    const again = await signedInAt(app);
    expect(await stateOf(again)).toBe(works);
    expect(await namesake.trpc.session.me.query()).toMatchObject({ user: { type: 'employee' } });
    expect(app.logLines.filter(({ audit }) => audit === 'sign_out_everywhere')).toMatchObject([
      { person: 'staff:123' },
    ]);
  });
});

it('a browser that was signed out everywhere costs no exchange, and loses its cookies when it refreshes later', async () => {
  const clock = createClock();
  await using app = await startApp({ now: clock.now });
  const [here, there] = [await signedInAt(app), await signedInAt(app)];
  await here.trpc.session.logoutEverywhere.mutate();
  clock.advance(31_000);
  expect(await reasonOf(there.trpc.session.refresh.mutate())).toBe('session_ended');
  expect(app.authService.count('refresh')).toBe(0);
  expect(heldBy(there)).toEqual({ access: '', refresh: '' });
});

it('sign-out everywhere needs a session', async () => {
  await using app = await startApp();
  expect(await reasonOf(app.browser().trpc.session.logoutEverywhere.mutate())).toBe('no_token');
});

it('a session that began after a sign-out everywhere keeps being refreshed, until the next one', async () => {
  await using app = await startApp();
  const here = await signedInAt(app);
  await here.trpc.session.logoutEverywhere.mutate();
  const again = await signedInAt(app);
  await again.trpc.session.refresh.mutate();
  expect(await stateOf(again)).toBe(works);
  const held = heldBy(again);
  await again.trpc.session.logoutEverywhere.mutate();
  again.holdTokens(held);
  expect(await stateOf(again)).toBe(ended);
});

const clocks = [
  ['agrees with ours', 0],
  ['is 20 s behind', -20_000],
  ['is 20 s ahead', 20_000],
] as const;

describe.each(clocks)('if the clock of the Auth Service %s', (_name, offsetMs) => {
  it('older sessions end, and the next sign-in works', async () => {
    const clock = createClock();
    await using app = await startApp({ now: clock.now, authService: { now: () => clock.now() + offsetMs } });
    const [here, there] = [await signedInAt(app), await signedInAt(app)];
    clock.advance(1_000);
    const newest = await signedInAt(app);
    await here.trpc.session.logoutEverywhere.mutate();
    expect([await stateOf(there), await stateOf(newest)]).toEqual([ended, ended]);
    expect(await stateOf(await signedInAt(app))).toBe(works);
  });
});

it('made-up refresh tokens that name a person do not tell whether and when all of their sessions were ended', async () => {
  const clock = createClock();
  const env = { TOKEN_VALIDATION: 'remote', SEALING_KEY: 'a-sealing-key-of-32-bytes-or-more' };
  await using app = await startApp({ now: clock.now, env });
  const answerTo = async (id: number, iatMs: number) => {
    const times = { user_id: id, iat: seconds(iatMs), exp: seconds(clock.now()) + 86_400 };
    const page = app.browser();
    page.holdTokens({ refresh: craft({ payload: staffClaims(clock.now(), times), key: 'made up' }) });
    await reasonOf(page.trpc.session.refresh.mutate());
    const response = page.lastAnswer();
    return { body: await response.text(), setCookies: response.headers.getSetCookie() };
  };
  const here = await signedInAt(app);
  clock.advance(60_000);
  await here.trpc.session.logoutEverywhere.mutate();
  clock.advance(60_000);
  const ofNobody = await answerTo(9_999, clock.now() - 90_000);
  expect(await answerTo(john.id, clock.now() - 90_000)).toEqual(ofNobody);
  expect(await answerTo(john.id, clock.now() - 30_000)).toEqual(ofNobody);
});

describe.skipIf(!hasRedis())('sign-out everywhere at several replicas', () => {
  const start = async (options: StartReplicasOptions = {}) => {
    const replicas = await startReplicas(options);
    const [here, there] = [await signedInAt(replicas.first), await signedInAt(replicas.second)];
    return { ...replicas, here, there, [Symbol.asyncDispose]: () => replicas[Symbol.asyncDispose]() };
  };
  it('ends the sessions at all of them within one call, and a sign-in at either works at both', async () => {
    await using test = await start();
    expect([await stateOf(sameAt(test.second, test.here)), await stateOf(sameAt(test.first, test.there))]).toEqual([
      works,
      works,
    ]);
    await test.here.trpc.session.logoutEverywhere.mutate();
    expect([await stateOf(test.there), await stateOf(sameAt(test.first, test.there))]).toEqual([ended, ended]);
    const again = await signedInAt(test.second);
    expect([await stateOf(sameAt(test.first, again)), await stateOf(again)]).toEqual([works, works]);
  });

  it('reaches the other replica by a message if Redis is full, and Redis stores it later', async () => {
    await using test = await start();
    await inRedis(test.redis, (client) => client.config('SET', 'maxmemory', '1'));
    await test.here.trpc.session.logoutEverywhere.mutate();
    await expect.poll(() => stateOf(test.there)).toBe(ended);
    await inRedis(test.redis, (client) => client.config('SET', 'maxmemory', '0'));
    await expect.poll(() => inRedis(test.redis, (client) => client.keys('auth-bff:cutoff:*'))).toHaveLength(1);
  });

  it('holds at its own replica while Redis is down, and reaches the others when Redis is back', async () => {
    await using test = await start();
    const other = await signedInAt(test.first);
    await test.redis.stop();
    await test.here.trpc.session.logoutEverywhere.mutate();
    expect(await stateOf(other)).toBe(ended);
    await test.redis.start();
    await expect.poll(() => stateOf(test.there)).toBe(ended);
  });

  it('ends what another replica has just refreshed although the clock of the Auth Service is ahead', async () => {
    const clock = createClock();
    await using test = await startReplicas({ authService: { now: () => clock.now() + 20_000 } });
    const here = await signedInAt(test.first);
    for (const one of [clock, test.clock]) one.advance(60_000);
    const thief = await signedInAt(test.first);
    // No refresh here: it would show this replica the clock as well.
    await sameAt(test.second, thief).trpc.session.me.query();
    await sameAt(test.second, here).trpc.session.logoutEverywhere.mutate();
    expect([await stateOf(thief), await stateOf(sameAt(test.second, thief))]).toEqual([ended, ended]);
  });

  it('is known to a replica that starts later: its first refresh is refused, and its first sign-in works', async () => {
    await using test = await start();
    await test.here.trpc.session.logoutEverywhere.mutate();
    await using restarted = await startApp({
      now: test.clock.now,
      upstream: test.authService,
      env: { REDIS_URL: test.redis.url },
    });
    // Without an access token, the call does not look up the session first.
    const page = restarted.browser();
    page.holdTokens({ refresh: heldBy(test.there).refresh });
    expect(await reasonOf(page.trpc.session.refresh.mutate())).toBe('session_ended');
    expect(test.authService.count('refresh')).toBe(0);
    const again = await signedInAt(restarted);
    expect([await stateOf(again), await stateOf(sameAt(test.first, again))]).toEqual([works, works]);
  });
});
