import { setImmediate as nextTurn } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { describe, expect, it, vi } from 'vitest';
import type { Fault, TokenPair } from '../../../server/dev/auth-service/auth-service.ts';
import { reasonOf } from '../../support/app/browser.ts';
import { hasRedis } from '../../support/redis/redis.ts';
import { createRawConnection, type RawConnection } from '../../support/app/raw-connection.ts';
import { errorOf, postHeaders } from '../../support/app/raw-request.ts';
import { createClock, dialects, type StartAppOptions, type TestApp } from '../../support/app/start-app.ts';
import { startReplicas } from '../../support/processes/start-replicas.ts';
import { createSignInTries, startSignInApp } from '../../support/app/try-sign-in.ts';
import { johnsCredentials } from '../../support/app/people.ts';

const rafael = { email: 'rafael.domingo@example.com', password: 'staff-pass-1' };
/** This person needs a captcha. Attempts without one count only for the e-mail address and the client address. */
const hana = { email: 'hana.kobayashi@example.com', password: 'staff-pass-1' };
const env = { TRUST_PROXY: '1', RATE_LIMIT_PER_MINUTE: '0' };

const start = (options: StartAppOptions = {}) => {
  const clock = createClock();
  // The breakers use the same clock; otherwise they would still be open after the outage.
  return startSignInApp({ clock, monotonicNow: clock.now, ...options });
};
type Started = Awaited<ReturnType<typeof start>>;

const outages: ReadonlyArray<[string, Fault]> = [
  ['answers 503', { kind: 'status', status: 503 }],
  ['answers 500', { kind: 'status', status: 500, body: '<h1>Server Error (500)</h1>' }],
  ['answers 429', { kind: 'status', status: 429, body: '{"detail":"Request was throttled."}' }],
  ['hangs up', { kind: 'reset' }],
  ['never answers', { kind: 'hang' }],
];
/** Each fault is the same in both dialects, which matter to what comes before and after. */
const cases = [
  ...outages.map(([name, fault]) => ['guide', name, fault] as const),
  ...outages.slice(0, 1).map(([name, fault]) => ['deployed', name, fault] as const),
];

/** Lets deadlines pass until a call has ended. */
const outlast = async <Result>({ deadlines }: Pick<TestApp, 'deadlines'>, call: Promise<Result>): Promise<Result> => {
  const passing = setInterval(deadlines.pass, 1);
  try {
    return await call;
  } finally {
    clearInterval(passing);
  }
};
/** So many calls during an outage of 20 s, after which the clock has moved on and the Auth Service answers again. */
const duringOutage = async (test: Started, fault: Fault, calls: number, call: () => Promise<string>) => {
  test.authService.fault('*', fault);
  for (let index = 0; index < calls; index += 1) {
    const before = test.authService.count();
    let hasEnded = false;
    const ending = call().finally(() => {
      hasEnded = true;
    });
    // A call that the Auth Service has not read yet might be judged after the outage.
    const isSeen = () => hasEnded || test.authService.count() > before;
    while (!isSeen()) await nextTurn();
    // Only a call that hangs needs its deadline.
    expect(await (fault.kind === 'hang' ? outlast(test, ending) : ending)).toMatch(
      /^(auth_service_unavailable|overloaded)$/,
    );
  }
  test.authService.clearFaults();
  test.clock.advance(35_000);
};

const refresh = async (connection: RawConnection, { access, refresh: token }: TokenPair) => {
  const answer = await connection.ask({
    method: 'POST',
    target: '/trpc/session.refresh',
    headers: { ...postHeaders, cookie: `access_token=${access}; refresh_token=${token}` },
  });
  return answer.status === 200 ? 'refreshed' : errorOf(answer).reason;
};

describe('an outage in which the', () => {
  it.each(cases)('%s Auth Service %s uses up no sign-in attempts', async (dialect, _name, fault) => {
    await using test = await start({ dialect });
    await duringOutage(test, fault, 8, async () => (await test.tryIn(johnsCredentials)).end);
    // All attempts that an unknown browser has left.
    for (let tries = 0; tries < 6; tries += 1) {
      expect((await test.tryIn({ ...johnsCredentials, password: 'wrong' })).end).toBe('bad_credentials');
    }
    expect((await test.tryIn(johnsCredentials)).end).toBe('signed_in');
  });

  it.each(cases)('%s Auth Service %s uses up no refreshes', async (dialect, _name, fault) => {
    await using test = await start({ dialect });
    const tokens = await test.authService.issue({ type: 'staff', id: 123 });
    const connection = createRawConnection(test.url);
    await duringOutage(test, fault, 31, () => refresh(connection, tokens));
    expect(await refresh(connection, tokens)).toBe('refreshed');
    connection.close();
  });

  it.each(cases)('%s Auth Service %s uses up no codes of a second factor', async (dialect, _name, fault) => {
    await using test = await start({ dialect });
    const { challenge = '' } = await test.tryIn(rafael);
    const verify = () =>
      test.browser().trpc.session.verifyOtp.mutate({ challenge, code: test.authService.lastCode(rafael.email) ?? '' });
    await duringOutage(test, fault, 11, () => reasonOf(verify()));
    expect(await verify()).toMatchObject({ status: 'signed_in' });
  });

  it.each(dialects)('%s Auth Service never responds uses up no attempts of a known browser', async (dialect) => {
    await using test = await start({ dialect });
    const { device } = await test.tryIn(johnsCredentials);
    const cookie = device ?? '';
    await duringOutage(test, { kind: 'hang' }, 10, async () => (await test.tryIn({ ...johnsCredentials, cookie })).end);
    expect((await test.tryIn({ ...johnsCredentials, cookie })).end).toBe('signed_in');
  });
});

it('a sign-in that is rejected as overloaded uses up no attempts of passwords or codes', async () => {
  await using test = await start({ dialect: 'guide' });
  const { challenge = '' } = await test.tryIn(rafael);
  const code = test.authService.lastCode(rafael.email) ?? '';
  test.authService.fault('*', { kind: 'hang' });
  // A wrong code, for the Auth Service may come to read it once it answers again.
  const verify = (one = 'wrong0') => test.browser().trpc.session.verifyOtp.mutate({ challenge, code: one });
  // Calls of others fill the bulkhead.
  const crowd = Array.from({ length: 64 }, (_, index) =>
    test.tryIn({ email: `user-${index}@example.com`, password: 'x', address: `198.51.100.${index}` }),
  );
  await vi.waitFor(() => expect(test.authService.count('staff-login')).toBe(65));
  // As many as the challenge has attempts, and as strangers have tries.
  const waiting = test.deadlines.created() + 5 + 7;
  const codes = Array.from({ length: 5 }, () => reasonOf(verify()));
  const passwords = Array.from({ length: 7 }, () => test.tryIn(johnsCredentials).then(({ end }) => end));
  await vi.waitFor(() => expect(test.deadlines.created()).toBeGreaterThanOrEqual(waiting));
  test.deadlines.pass();
  expect(new Set(await Promise.all([...codes, ...passwords]))).toEqual(new Set(['overloaded']));
  await Promise.all(crowd);
  test.clock.advance(35_000);
  test.authService.clearFaults();
  expect(await verify(code)).toMatchObject({ status: 'signed_in' });
  for (let tries = 0; tries < 6; tries += 1) await test.tryIn({ ...johnsCredentials, password: 'wrong' });
  expect((await test.tryIn(johnsCredentials)).end).toBe('signed_in');
});

it('parallel attempts stay limited while their outcome is unknown', async () => {
  await using test = await start();
  test.authService.fault('staff-login', { kind: 'hang' });
  let ended = 0;
  const tries = Array.from({ length: 30 }, async (_, index) => {
    const end = await test.tryIn({ ...johnsCredentials, password: 'wrong', address: `198.51.100.${index}` });
    ended += 1;
    return end;
  });
  await vi.waitFor(() => expect(ended).toBe(23));
  const ends = (await outlast(test, Promise.all(tries))).map(({ end }) => end);
  expect(ends.filter((end) => end === 'rate_limited')).toHaveLength(23);
  expect(test.authService.count('staff-login')).toBe(7);
  // Those that were not judged are given back.
  test.authService.clearFaults();
  expect((await test.tryIn(johnsCredentials)).end).toBe('signed_in');
});

/** A try is counted in one window, and ends without a verdict in the next, which is full by then. */
const endInNextWindow = async (
  test: Pick<TestApp, 'authService' | 'deadlines' | 'url'>,
  endWindow: () => Promise<unknown>,
) => {
  const tryIn = createSignInTries(test.url);
  test.authService.fault('staff-login', { kind: 'hang', times: 1 });
  const pending = tryIn(hana);
  await vi.waitFor(() => expect(test.authService.count('staff-login')).toBe(1));
  await endWindow();
  for (let tries = 0; tries < 10; tries += 1) expect((await tryIn(hana)).end).toBe('captcha_required');
  expect((await tryIn(hana)).end).toBe('rate_limited');
  test.deadlines.pass();
  expect(['auth_service_unavailable', 'overloaded']).toContain((await pending).end);
  return (await tryIn(hana)).end;
};

describe('an attempt that ends without a verdict after its window', () => {
  it('is not released from the next window', async () => {
    await using test = await start();
    expect(await endInNextWindow(test, async () => test.clock.advance(60_000))).toBe('rate_limited');
  });

  it.skipIf(!hasRedis())('is not released from the next window in Redis', async () => {
    await using test = await startReplicas({ env });
    const client = new Redis(test.redis.url);
    const endAll = async () => {
      const keys = await client.keys('*tries:*');
      expect(keys.length).toBeGreaterThan(0);
      await client.del(keys);
    };
    expect(await endInNextWindow(test.first, endAll)).toBe('rate_limited');
    client.disconnect();
  });

  it.skipIf(!hasRedis())('does not make a count in Redis negative', async () => {
    await using test = await startReplicas({ env });
    const client = new Redis(test.redis.url);
    const tryIn = createSignInTries(test.first.url);
    test.authService.fault('staff-login', { kind: 'hang', times: 1 });
    const pending = tryIn(johnsCredentials);
    await vi.waitFor(() => expect(test.authService.count('staff-login')).toBe(1));
    expect(await client.keys('*tries:*')).toHaveLength(4);
    await client.flushall();
    test.first.deadlines.pass();
    await pending;
    expect(await client.keys('*tries:*')).toEqual([]);
    client.disconnect();
  });
});

describe.skipIf(!hasRedis())('an outage of the Auth Service, with two replicas', () => {
  it('uses up no attempts in Redis', async () => {
    await using test = await startReplicas({ env });
    const client = new Redis(test.redis.url);
    test.authService.fault('staff-login', { kind: 'status', status: 503 });
    for (let tries = 0; tries < 9; tries += 1) {
      const { url } = tries % 2 === 0 ? test.first : test.second;
      expect((await createSignInTries(url)(johnsCredentials)).end).toBe('auth_service_unavailable');
    }
    expect(await client.keys('*tries:*')).toEqual([]);
    client.disconnect();
    test.authService.clearFaults();
    expect((await createSignInTries(test.second.url)(johnsCredentials)).end).toBe('signed_in');
  });
});
