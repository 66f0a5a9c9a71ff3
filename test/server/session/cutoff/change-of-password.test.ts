import { describe, expect, it } from 'vitest';
import { errorDataOf } from '../../../support/app/browser.ts';
import { john, johnsCredentials } from '../../../support/app/people.ts';
import { dialects, startApp, type StartAppOptions } from '../../../support/app/start-app.ts';
import { holdEndpoint } from '../../../support/auth-service/hold-endpoint.ts';
import { heldBy, startReplicas, type StartReplicasOptions } from '../../../support/processes/start-replicas.ts';
import { inRedis } from '../../../support/redis/in-redis.ts';
import { hasRedis } from '../../../support/redis/redis.ts';
import { ended, sameAt, signedInAt, stateOf, works } from '../../../support/session/session-state.ts';

const newPassword = 'another-pass-2';
const change = { currentPassword: johnsCredentials.password, newPassword };
const remotely = { TOKEN_VALIDATION: 'remote', SEALING_KEY: 'a-sealing-key-of-32-bytes-or-more' };

const start = async (options: StartAppOptions = {}) => {
  const app = await startApp(options);
  const [here, there] = [await signedInAt(app), await signedInAt(app)];
  return { ...app, here, there };
};

describe.each(dialects)('a change of password in front of the %s dialect', (dialect) => {
  it.each<[string, StartAppOptions]>([
    ['with local validation', {}],
    ['with remote validation', { env: remotely }],
  ])('ends the sessions in other browsers, and keeps its own, %s', async (_name, options) => {
    await using test = await start({ dialect, ...options });
    const { here, there } = test;
    expect(await here.trpc.account.changePassword.mutate(change)).toBeNull();
    expect([await stateOf(there), await stateOf(here)]).toEqual([ended, works]);
    await here.trpc.session.refresh.mutate();
    expect(await stateOf(here)).toBe(works);
    expect(await stateOf(await signedInAt(test, newPassword))).toBe(works);
    expect(test.logLines.filter(({ audit }) => audit === 'password_changed')).toMatchObject([{ person: 'staff:123' }]);
  });

  it('keeps the session of a browser that holds no refresh token', async () => {
    await using test = await start({ dialect });
    const { access } = heldBy(test.here);
    const page = test.browser();
    page.holdTokens({ access });
    await page.trpc.account.changePassword.mutate(change);
    expect(await page.trpc.session.me.query()).toMatchObject({ user: { id: john.id } });
    expect(await stateOf(test.there)).toBe(ended);
  });
});

it('a change of password keeps a session that this process has not seen before, with its refresh token', async () => {
  await using test = await start();
  const page = test.browser();
  page.holdTokens(await test.authService.issue(john));
  await page.trpc.account.changePassword.mutate(change);
  page.cookies.delete('access_token');
  expect(await page.trpc.session.refresh.mutate()).toMatchObject({ user: { id: john.id } });
});

it('a change of password with endOtherSessions: false ends no session', async () => {
  await using test = await start();
  await test.here.trpc.account.changePassword.mutate({ ...change, endOtherSessions: false });
  expect([await stateOf(test.there), await stateOf(test.here)]).toEqual([works, works]);
});

it('a refused change of password ends no session', async () => {
  await using test = await start();
  const wrong = { ...change, currentPassword: 'not-my-password' };
  expect(await errorDataOf(test.here.trpc.account.changePassword.mutate(wrong))).toMatchObject({
    reason: 'invalid_input',
    issues: [{ path: 'currentPassword' }],
  });
  expect([await stateOf(test.there), await stateOf(test.here)]).toEqual([works, works]);
});

it.each<[name: string, status: number, expected: string]>([
  ['ends the other sessions if the Auth Service fails after it may have changed the password', 500, ended],
  ['ends no session if the Auth Service had no time for it', 429, works],
])('a change of password %s', async (_name, status, expected) => {
  await using test = await start({ dialect: 'deployed' });
  test.authService.fault('staff-password-change', { kind: 'status', status });
  expect(await errorDataOf(test.here.trpc.account.changePassword.mutate(change))).toMatchObject({
    reason: 'auth_service_unavailable',
  });
  expect([await stateOf(test.there), await stateOf(test.here)]).toEqual([expected, works]);
});

it('a change of password keeps what a refresh of its own session, in flight meanwhile, brings', async () => {
  await using test = await start();
  const { here } = test;
  const tab = sameAt(test, here);
  const hold = holdEndpoint(test.authService, 'refresh');
  const refreshing = tab.trpc.session.refresh.mutate();
  await hold.held;
  await here.trpc.account.changePassword.mutate(change);
  hold.release();
  await refreshing;
  expect([await stateOf(tab), await stateOf(test.there)]).toEqual([works, ended]);
});

it('a change of password ends a refresh of another session that is in flight', async () => {
  await using test = await start();
  const hold = holdEndpoint(test.authService, 'refresh');
  const refreshing = errorDataOf(test.there.trpc.session.refresh.mutate());
  await hold.held;
  await test.here.trpc.account.changePassword.mutate(change);
  hold.release();
  expect(await refreshing).toMatchObject({ reason: 'session_ended' });
});

it('a change of password does not keep an older session whose cookies were planted beside those of its own', async () => {
  await using test = await start();
  const { here, there } = test;
  const [own, planted] = [heldBy(here), heldBy(there)];
  const cookie = [own, planted]
    .map(({ access, refresh }) => `access_token=${access}; refresh_token=${refresh}`)
    .join('; ');
  const both = test.browser({ headers: { cookie } });
  await both.trpc.account.changePassword.mutate(change);
  const states = [await stateOf(here), await stateOf(there)];
  // The newest token counts as the own one. Both have the same `iat` here, so that either may be it.
  expect(states.toSorted()).toEqual([ended, works].toSorted());
});

describe.skipIf(!hasRedis())('a change of password at several replicas', () => {
  const startBoth = async (options: StartReplicasOptions = {}) => {
    const replicas = await startReplicas(options);
    const [here, there] = [await signedInAt(replicas.first), await signedInAt(replicas.second)];
    return { ...replicas, here, there, [Symbol.asyncDispose]: () => replicas[Symbol.asyncDispose]() };
  };

  it('ends the sessions in other browsers and on other replicas within one call, and keeps its own on both', async () => {
    await using test = await startBoth();
    await test.here.trpc.account.changePassword.mutate(change);
    expect(await stateOf(test.there)).toBe(ended);
    expect([await stateOf(test.here), await stateOf(sameAt(test.second, test.here))]).toEqual([works, works]);
    const elsewhere = sameAt(test.second, test.here);
    await elsewhere.trpc.session.refresh.mutate();
    expect(await stateOf(sameAt(test.first, elsewhere))).toBe(works);
    expect(await stateOf(await signedInAt(test.second, newPassword))).toBe(works);
  });

  it('keeps what a refresh of its own session at the other replica, in flight meanwhile, brings', async () => {
    await using test = await startBoth();
    const tab = sameAt(test.second, test.here);
    const hold = holdEndpoint(test.authService, 'refresh');
    const refreshing = tab.trpc.session.refresh.mutate();
    await hold.held;
    await test.here.trpc.account.changePassword.mutate(change);
    hold.release();
    await refreshing;
    expect([await stateOf(tab), await stateOf(sameAt(test.first, tab))]).toEqual([works, works]);
  });

  it('ends the other sessions after an outage of Redis, and keeps its own', async () => {
    await using test = await startBoth();
    await test.redis.stop();
    await test.here.trpc.account.changePassword.mutate(change);
    await test.redis.start();
    await expect.poll(() => stateOf(test.there)).toBe(ended);
    expect([await stateOf(test.here), await stateOf(sameAt(test.second, test.here))]).toEqual([works, works]);
  });

  it('keeps its own session at the other replica although Redis is full', async () => {
    await using test = await startBoth();
    await inRedis(test.redis, (client) => client.config('SET', 'maxmemory', '1'));
    await test.here.trpc.account.changePassword.mutate(change);
    await expect.poll(() => stateOf(test.there)).toBe(ended);
    expect(await stateOf(sameAt(test.second, test.here))).toBe(works);
  });

  it('leaves no key in Redis without an expiry, and no person or token in any', async () => {
    await using test = await startBoth();
    await test.here.trpc.account.changePassword.mutate(change);
    const stored = await inRedis(test.redis, async (client) =>
      Promise.all((await client.keys('*')).map(async (key) => ({ key, ttlMs: await client.pttl(key) }))),
    );
    expect(stored.filter(({ key }) => /:(cutoff|since):/.test(key)).length).toBeGreaterThanOrEqual(2);
    expect(stored.filter(({ key, ttlMs }) => ttlMs < 0 && !key.endsWith('replicas:keys'))).toEqual([]);
    expect(stored.filter(({ key }) => /123|user@example/.test(key.replaceAll(/[\w-]{43}/g, '')))).toEqual([]);
  });
});
