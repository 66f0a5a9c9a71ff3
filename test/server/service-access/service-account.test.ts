import { TRPCClientError } from '@trpc/client';
import { describe, expect, it } from 'vitest';
import type { User } from '../../../shared/src/index.ts';
import { ServiceAccountError } from '../../../server/src/auth-service/calling-service.ts';
import type { Caller } from '../../../server/src/auth-service/caller.ts';
import { createPerCallerKeys } from '../../../server/src/directory/per-caller-keys.ts';
import { createSharedLoads } from '../../../server/src/directory/shared-loads.ts';
import { AppError } from '../../../server/src/errors.ts';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { browserOf, crowd } from '../../support/app/crowd.ts';
import { holdEndpoint } from '../../support/auth-service/hold-endpoint.ts';
import { answerWithTokens } from '../../support/auth-service/answer-with-tokens.ts';
import { john, johnsCredentials } from '../../support/app/people.ts';
import { createRawConnections } from '../../support/app/raw-connections.ts';
import { errorOf, queryTarget, resultOf } from '../../support/app/raw-request.ts';
import { accessLifetimeMs, dialects, forgetful } from '../../support/app/start-app.ts';
import { startServices, type TestServices } from '../../support/app/start-services.ts';

const minuteMs = 60_000;
const unavailable = 'auth_service_unavailable';
const password = johnsCredentials.password;
const emailOf = (name: string) => `${name}@example.com`;

type Connections = ReturnType<typeof createRawConnections>;
/** The connections to each app, which closes them when it ends. */
const connectionsTo = new WeakMap<TestServices, Connections>();

/** A call of a service without a client of tRPC, which would take most of the time of hundreds of calls. */
const lookUp = async (test: TestServices, id = 5): Promise<User> => {
  const connections = connectionsTo.get(test) ?? createRawConnections(test.app.url);
  connectionsTo.set(test, connections);
  const target = queryTarget('users.byId', { json: { id } });
  const answer = await connections.ask({ target, headers: { 'x-api-key': test.keyOf('desk') } });
  if (answer.status === 200) return resultOf(answer) as User;
  const data = errorOf(answer);
  throw new TRPCClientError(data.message, { result: { error: { data } } });
};
const signIns = (test: TestServices) => test.authService.count('staff-login');

describe.each(dialects)('the service account in the %s dialect', (dialect) => {
  it('signs in when it is first needed, once for 50 parallel calls', async () => {
    await using test = await startServices({ dialect });
    expect(test.authService.count()).toBe(0);
    const users = await Promise.all(crowd(50).map((id) => lookUp(test, id)));
    expect(users.map(({ id }) => id)).toEqual(crowd(50));
    expect(signIns(test)).toBe(1);
    expect(test.audits()).toMatchObject([{ audit: 'sign_in', person: 'staff:123', account: expect.any(String) }]);
    expect(test.accountErrors()).toEqual([]);
  });

  it('refreshes before its token expires, without a second sign-in, however long it is used', async () => {
    await using test = await startServices({ dialect, env: forgetful });
    await lookUp(test);
    for (let refreshes = 1; refreshes <= 5; refreshes += 1) {
      test.clock.advance(accessLifetimeMs[dialect] * 0.7);
      // The call starts the refresh and does not wait for it.
      await lookUp(test);
      await expect.poll(() => test.authService.count('refresh')).toBe(refreshes);
      await lookUp(test);
    }
    expect(signIns(test)).toBe(1);
    expect(test.accountErrors()).toEqual([]);
  });

  it('has one refresh at a time, while parallel calls use the token that is still valid', async () => {
    await using test = await startServices({ dialect, env: forgetful });
    await lookUp(test);
    test.clock.advance(accessLifetimeMs[dialect] * 0.7);
    const hold = holdEndpoint(test.authService, 'refresh');
    await Promise.all(crowd(8).map((id) => lookUp(test, id)));
    await hold.held;
    await lookUp(test);
    expect(test.authService.count('refresh')).toBe(1);
    hold.release();
    expect(signIns(test)).toBe(1);
  });

  it('continues after its token has expired, with at most one new sign-in', async () => {
    await using test = await startServices({ dialect, env: forgetful });
    await lookUp(test);
    test.clock.advance(60 * minuteMs);
    await Promise.all(crowd(8).map((id) => lookUp(test, id)));
    // The deployed service refreshes only with a valid access token.
    expect(signIns(test)).toBe(dialect === 'guide' ? 1 : 2);
    expect(test.authService.count('refresh')).toBe(1);
  });

  it('signs in once if the Auth Service refuses the refresh', async () => {
    await using test = await startServices({ dialect, env: forgetful });
    await lookUp(test);
    test.clock.advance(accessLifetimeMs[dialect] + minuteMs);
    test.authService.fault('refresh', { kind: 'status', status: 401, body: '{"detail":"no"}' });
    await Promise.all(crowd(8).map((id) => lookUp(test, id)));
    expect(signIns(test)).toBe(2);
  });

  it('signs in once more if a call is refused, and the calls succeed', async () => {
    await using test = await startServices({ dialect, env: forgetful });
    await lookUp(test);
    test.authService.fault('by-company', { kind: 'status', status: 401, body: '{"detail":"no"}', times: 3 });
    const { trpc } = test.service();
    const found = await Promise.all(
      ['MA0001', 'MA0038', 'MA0075'].map((companyId) => trpc.users.byCompanyId.query({ companyId })),
    );
    expect(found.map(({ id }) => id)).toEqual([123, 1, 2]);
    expect(signIns(test)).toBe(2);
  });

  it('does not sign in again and again if every token is refused', async () => {
    await using test = await startServices({ dialect, env: forgetful });
    test.authService.fault('user', { kind: 'status', status: 401, body: '{"detail":"no"}' });
    for (let calls = 0; calls < 10; calls += 1) expect(await reasonOf(lookUp(test))).toBe(unavailable);
    expect(signIns(test)).toBe(2);
    expect(test.accountErrors().filter(({ reason }) => reason === 'refused_tokens')).toHaveLength(1);
    test.authService.clearFaults();
    test.clock.advance(2 * minuteMs);
    expect(await lookUp(test)).toMatchObject({ id: 5 });
  });

  it('does not repeat a wrong password for a minute, and then more and more rarely', async () => {
    await using test = await startServices({ dialect, account: { ...johnsCredentials, password: 'wrong-pass-1' } });
    const ask = async () => (await Promise.all(crowd(10).map((id) => errorDataOf(lookUp(test, id))))).at(-1);
    expect(await ask()).toMatchObject({ reason: unavailable, retryAfterSeconds: 60 });
    test.clock.advance(minuteMs - 1_000);
    expect(await ask()).toMatchObject({ reason: unavailable, retryAfterSeconds: 1 });
    expect(signIns(test)).toBe(1);
    const [error, ...others] = test.accountErrors();
    expect(others).toEqual([]);
    expect(error).toMatchObject({
      reason: 'bad_credentials',
      msg: expect.stringContaining('SERVICE_ACCOUNT_PASSWORD'),
    });
    expect(test.audits()).toMatchObject([{ audit: 'sign_in_failed', reason: 'bad_credentials' }]);
    const reasons = new Set<string>();
    for (let minutes = 0; minutes < 24 * 60; minutes += minutes < 60 ? 1 : 10) {
      test.clock.advance(minutes < 60 ? minuteMs : 10 * minuteMs);
      reasons.add(await reasonOf(lookUp(test)));
    }
    expect([...reasons]).toEqual([unavailable]);
    // After 1, 6 and 36 minutes, and every 6 hours: the deployed service locks an account after 10.
    expect(signIns(test)).toBe(7);
    expect(JSON.stringify(test.app.logLines)).not.toContain('wrong-pass-1');
  });

  it('works again when its password does', async () => {
    await using test = await startServices({ dialect, account: { ...johnsCredentials, password: 'next-pass-12' } });
    expect(await reasonOf(lookUp(test))).toBe(unavailable);
    test.authService.changePerson(john, { password: 'next-pass-12' });
    test.clock.advance(minuteMs);
    expect(await lookUp(test)).toMatchObject({ id: 5 });
  });

  it.each([
    ['is locked', 'oluwaseun.adeyemi', 'account_locked', /unlock/],
    ['wants a second factor', 'rafael.domingo', 'second_factor', /Disable the second factor/],
    ['does not exist', 'nobody', 'bad_credentials', /Correct SERVICE_ACCOUNT_EMAIL/],
  ])('says what to do if it %s, and tries once', async (_name, email, reason, advice) => {
    await using test = await startServices({ dialect, account: { email: emailOf(email), password } });
    expect(await reasonOf(lookUp(test))).toBe(unavailable);
    expect(await reasonOf(lookUp(test))).toBe(unavailable);
    expect(signIns(test)).toBe(1);
    const lines = test.accountErrors();
    expect(lines).toMatchObject([{ reason, msg: expect.stringMatching(advice) }]);
    expect(JSON.stringify(test.app.logLines)).not.toContain(emailOf(email));
  });

  it('ends when it is deactivated, at the next refresh', async () => {
    await using test = await startServices({ dialect, env: forgetful });
    await lookUp(test);
    test.authService.changePerson(john, { is_active: false });
    test.clock.advance(accessLifetimeMs[dialect] * 0.7);
    // The guide's service refuses the token of an inactive person, the deployed one answers.
    await lookUp(test).catch(() => {});
    await expect.poll(() => test.accountErrors().map(({ reason }) => reason)).toEqual(['account_inactive']);
    expect(await reasonOf(lookUp(test))).toBe(unavailable);
  });

  it.each([503, 500, 429])('is unavailable while its sign-in answers %i, and signs in afterwards', async (status) => {
    await using test = await startServices({ dialect });
    test.authService.fault('staff-login', { kind: 'status', status });
    const error = await errorDataOf(lookUp(test));
    expect(error).toMatchObject({ code: 'SERVICE_UNAVAILABLE', reason: unavailable, retryAfterSeconds: 5 });
    for (let calls = 0; calls < 10; calls += 1) await reasonOf(lookUp(test));
    expect(signIns(test)).toBe(1);
    expect(test.audits()).toEqual([]);
    test.authService.clearFaults();
    test.clock.advance(5_000);
    expect(await lookUp(test)).toMatchObject({ id: 5 });
  });

  it('is unavailable if its sign-in hangs, and a person is not kept waiting for the same lookup', async () => {
    await using test = await startServices({ dialect });
    test.authService.fault('staff-login', { kind: 'hang' });
    const outcomeOf = (id: number) =>
      lookUp(test, id).then(
        () => 'the answer of the person',
        (error: unknown) => (error as { data: { reason: string } }).data.reason,
      );
    const waiting = Promise.all(crowd(5).map(outcomeOf));
    await expect.poll(() => signIns(test)).toBe(1);
    const person = await browserOf(test.app, 42);
    expect(await person.trpc.users.byId.query({ id: 2_000_001 })).toMatchObject({ id: 2_000_001 });
    test.app.deadlines.pass();
    expect(await waiting).toEqual(['the answer of the person', ...crowd(4).map(() => unavailable)]);
    expect(signIns(test)).toBe(1);
  });

  it('gets cached data of an outage, while it cannot sign in', async () => {
    await using test = await startServices({ dialect });
    await lookUp(test);
    test.clock.advance(30 * minuteMs);
    test.authService.fault('*', { kind: 'status', status: 503 });
    const service = test.service();
    expect(await service.trpc.users.byId.query({ id: 5 })).toMatchObject({ id: 5 });
    expect(service.lastAnswer().headers.get('x-directory-stale')).toBe('1');
  });

  it('does not make the calls of people fail that wait for the same data', async () => {
    await using test = await startServices({ dialect, account: { ...johnsCredentials, password: 'wrong-pass-1' } });
    await reasonOf(lookUp(test));
    const person = await browserOf(test.app, 42);
    for (let tries = 0; tries < 5; tries += 1) {
      const id = 2_000_001 + tries;
      const [asService, asPerson] = await Promise.all([
        lookUp(test, id).then(
          () => 'ok',
          () => 'failed',
        ),
        person.trpc.users.byId.query({ id }),
      ]);
      expect(asPerson).toMatchObject({ id });
      expect(['ok', 'failed']).toContain(asService);
    }
    expect(await person.trpc.status.get.query()).toMatchObject({ authService: 'up' });
  });

  it('does not accept the token of another person or of an employee', async () => {
    for (const other of [
      { type: 'staff', id: 6 },
      { type: 'employee', id: 123 },
    ] as const) {
      await using test = await startServices({ dialect });
      const { access, refresh } = await test.authService.issue(other);
      const answer = answerWithTokens({ access, refresh: refresh ?? '' });
      test.authService.fault('staff-login', answer);
      expect(await reasonOf(lookUp(test))).toBe(unavailable);
      expect(test.accountErrors()[0]).toMatchObject({ reason: 'wrong_person' });
      expect(test.authService.count('user')).toBe(0);
    }
  });

  it('does not accept the token of another person from a refresh', async () => {
    await using test = await startServices({ dialect, env: forgetful });
    await lookUp(test);
    test.clock.advance(accessLifetimeMs[dialect] * 0.7);
    const { access, refresh } = await test.authService.issue({ type: 'staff', id: 6 });
    test.authService.fault('refresh', answerWithTokens({ access, refresh: refresh ?? '' }));
    await lookUp(test);
    await expect.poll(() => test.accountErrors().map(({ reason }) => reason)).toEqual(['wrong_person']);
    expect(await reasonOf(lookUp(test))).toBe(unavailable);
  });

  it('does not accept a token that the signing key did not sign', async () => {
    await using test = await startServices({ dialect });
    const { access, refresh } = await test.authService.issue(john);
    const forged = { access: `${access.slice(0, -6)}AAAAAA`, refresh: refresh ?? '' };
    test.authService.fault('staff-login', answerWithTokens(forged));
    expect(await reasonOf(lookUp(test))).toBe(unavailable);
    expect(test.accountErrors()[0]).toMatchObject({ reason: 'auth_service_contract' });
    expect(test.authService.count('user')).toBe(0);
    expect(JSON.stringify(test.app.logLines)).not.toContain(forged.access);
  });
});

describe('a sign-in that requires a captcha', () => {
  it('is done by POST /token/ of the deployed service', async () => {
    await using test = await startServices({ dialect: 'deployed', authService: { captcha: 'on' } });
    await Promise.all(crowd(8).map((id) => lookUp(test, id)));
    expect([signIns(test), test.authService.count('staff-token')]).toEqual([1, 1]);
    test.clock.advance(200_000);
    await lookUp(test, 7);
    await expect.poll(() => test.authService.count('refresh')).toBe(1);
    expect(test.accountErrors()).toEqual([]);
  });

  it.each([
    ['a wrong password', johnsCredentials.email, 'wrong-pass-1', 'bad_credentials'],
    ['a locked account', emailOf('oluwaseun.adeyemi'), password, 'account_locked'],
    ['a second factor', emailOf('rafael.domingo'), password, 'second_factor'],
  ])('tells %s there, too, and tries once', async (_name, email, word, reason) => {
    await using test = await startServices({
      dialect: 'deployed',
      authService: { captcha: 'on' },
      account: { email, password: word },
    });
    expect(await reasonOf(lookUp(test))).toBe(unavailable);
    expect(await reasonOf(lookUp(test))).toBe(unavailable);
    expect(test.authService.count('staff-token')).toBe(1);
    expect(test.accountErrors()[0]).toMatchObject({ reason });
  });

  it('is not possible at a service without that endpoint, which the log says', async () => {
    await using test = await startServices({ authService: { captcha: 'on' } });
    expect(await reasonOf(lookUp(test))).toBe(unavailable);
    expect(test.accountErrors()[0]).toMatchObject({
      reason: 'captcha_required',
      msg: expect.stringContaining('captcha'),
    });
  });
});

it('a person who joined the load of a service gets the data by their own token if the service account fails', async () => {
  const callers: Array<string | undefined> = [];
  const loads = createSharedLoads<number, string>({
    async load([key = 0], caller) {
      callers.push(caller.service?.name);
      if (caller.service !== undefined) throw new ServiceAccountError({ retryAfterSeconds: 60 });
      return new Map([[key, 'the data']]);
    },
    notFound: () => new AppError('user_not_found'),
    perCallerKeys: createPerCallerKeys({ now: () => 0 }),
  });
  const service: Caller = { type: 'staff', id: 0, accessToken: '', service: { name: 'desk', account: null } };
  const outcomes = await Promise.allSettled([
    loads.load(7, service),
    loads.load(7, { type: 'staff', id: 42, accessToken: 'a token' }),
  ]);
  expect(outcomes).toMatchObject([
    { status: 'rejected', reason: { reason: unavailable } },
    { status: 'fulfilled', value: 'the data' },
  ]);
  expect(callers).toEqual(['desk', undefined]);
});
