import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { policy } from '../../../server/src/api/policy.ts';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { browserOf, crowd } from '../../support/app/crowd.ts';
import { askRaw, errorOf, outcomesOf, postHeaders, queryTarget, written } from '../../support/app/raw-request.ts';
import { createServiceKey } from '../../../server/src/service-access/new-service-key.ts';
import { holdEndpoint } from '../../support/auth-service/hold-endpoint.ts';
import { dialects, forgetful } from '../../support/app/start-app.ts';
import { accountProcedures, startServices, type TestServices } from '../../support/app/start-services.ts';

const technicians = { system: 'TTS', role: 'Technician' };
const forbidden = 'insufficient_permissions';

it('services may be granted lookups, assignments and the status, and nothing else', () => {
  const needs = Object.entries(policy).flatMap(([path, { service }]) =>
    service === undefined ? [] : [[path, service]],
  );
  expect(Object.fromEntries(needs)).toEqual({
    ...Object.fromEntries(accountProcedures.map((path) => [path, 'account'])),
    'employees.byId': 'own',
    'status.get': 'own',
  });
});

describe.each(dialects)('a service with a key, in the %s dialect', (dialect) => {
  let test: TestServices;
  beforeAll(async () => {
    test = await startServices({
      dialect,
      env: forgetful,
      grants: {
        desk: [...accountProcedures, 'employees.byId'],
        kiosk: ['employees.byId'],
      },
    });
  });
  beforeEach(() => test.authService.resetCalls());
  afterAll(() => test[Symbol.asyncDispose]());

  it('calls every procedure of its grant', async () => {
    const { trpc, setCookies } = test.service();
    expect(await trpc.users.byId.query({ id: 5 })).toMatchObject({ id: 5, firstName: 'Kwame' });
    expect((await trpc.users.byIds.query({ ids: [5, 1, 999] })).notFound).toEqual([999]);
    expect(await trpc.users.byCompanyId.query({ companyId: 'MA0001' })).toMatchObject({ id: 123 });
    expect((await trpc.users.byRole.query(technicians)).userIds).toContain(1);
    expect((await trpc.assignments.candidates.query(technicians)).users.length).toBeGreaterThan(2);
    const peeked = await trpc.assignments.peek.query(technicians);
    expect(await trpc.assignments.next.mutate(technicians)).toMatchObject({ assignee: peeked.assignee });
    expect(await trpc.employees.byId.query({ id: 1 })).toMatchObject({ id: 1 });
    expect(setCookies).toEqual([]);
  });

  it('calls employees.byId without the service account', async () => {
    expect(await test.service('kiosk').trpc.employees.byId.query({ id: 2 })).toMatchObject({ id: 2 });
    expect(test.authService.calls.map(({ endpoint }) => endpoint)).toEqual(['employee']);
    expect(test.authService.calls[0]?.headers.cookie).toBeUndefined();
  });

  it('is refused outside its grant, before the Auth Service is asked and before the input is read', async () => {
    const { trpc } = test.service('kiosk');
    const error = await errorDataOf(trpc.users.byId.query({ id: -1 }));
    expect(error).toMatchObject({ code: 'FORBIDDEN', reason: forbidden });
    expect(error.message).toBe('SERVICE_KEYS does not grant users.byId to the service kiosk.');
    expect(await reasonOf(trpc.assignments.next.mutate(technicians))).toBe(forbidden);
    for (const call of [() => trpc.session.me.query(), () => trpc.users.me.query()]) {
      expect(await reasonOf(call())).toBe(forbidden);
    }
    expect(test.authService.count()).toBe(0);
  });

  it('calls what anyone may call without a grant, as a visitor', async () => {
    const { trpc } = test.service('kiosk');
    expect(await trpc.status.get.query()).toHaveProperty('authService');
    expect(await trpc.session.current.query()).toEqual({ state: 'signed_out' });
  });

  it('gets each outcome of a batch on its own', async () => {
    const target = queryTarget(['users.byId', 'employees.byId', 'users.byId', 'status.get'], {
      0: { json: { id: 1 } },
      1: { json: { id: 1 } },
      2: { json: { id: 'x' } },
    });
    const outcomes = async (name: string) =>
      outcomesOf(await askRaw(test.app.url, { target, headers: { 'x-api-key': test.keyOf(name) } }));
    expect((await outcomes('desk')).map((outcome) => (typeof outcome === 'string' ? outcome : 'ok'))).toEqual([
      'ok',
      'ok',
      'invalid_input',
      'ok',
    ]);
    expect((await outcomes('kiosk')).map((outcome) => (typeof outcome === 'string' ? outcome : 'ok'))).toEqual([
      forbidden,
      'ok',
      forbidden,
      'ok',
    ]);
  });

  it('looks up 500 users at once', async () => {
    const { users } = await test.service().trpc.users.byIds.query({ ids: crowd(500) });
    expect(users.map(({ id }) => id)).toEqual(crowd(500));
  });

  it('needs x-csrf on a POST like everybody, and no session', async () => {
    const post = (headers: Record<string, string>) =>
      askRaw(test.app.url, {
        method: 'POST',
        target: '/trpc/assignments.next',
        headers: { 'x-api-key': test.keyOf('desk'), 'content-type': 'application/json', ...headers },
        body: written(technicians),
      });
    expect(errorOf(await post({})).reason).toBe('csrf');
    expect((await post(postHeaders)).status).toBe(200);
  });
});

describe('a key', () => {
  let test: TestServices;
  beforeAll(async () => {
    test = await startServices();
  });
  beforeEach(() => test.authService.resetCalls());
  afterAll(() => test[Symbol.asyncDispose]());

  const target = queryTarget('users.byId', { json: { id: 5 } });
  const reasonWith = async (headers: Record<string, string | string[]>) => {
    const answer = await askRaw(test.app.url, { target, headers });
    return answer.status === 200 ? 'ok' : `${answer.status} ${errorOf(answer).reason}`;
  };

  it.each<[string, string, (key: string) => Record<string, string | string[]>]>([
    ['that is unknown', '401 token_invalid', () => ({ 'x-api-key': createServiceKey() })],
    ['in another case', '401 token_invalid', (key) => ({ 'x-api-key': swapCase(key) })],
    ['with one more character', '401 token_invalid', (key) => ({ 'x-api-key': `${key}A` })],
    ['that comes twice', '401 token_invalid', (key) => ({ 'x-api-key': [key, key] })],
    ['beside an empty one', '401 token_invalid', (key) => ({ 'x-api-key': [key, ''] })],
    ['twice in one header', '401 token_invalid', (key) => ({ 'x-api-key': `${key}, ${key}` })],
    ['that is too short', '401 token_invalid', () => ({ 'x-api-key': 'short' })],
    ['that is too long', '401 token_invalid', () => ({ 'x-api-key': 'k'.repeat(5_000) })],
    ['with characters outside ASCII', '401 token_invalid', (key) => ({ 'x-api-key': `${key.slice(1)}\u00e9` })],
    ['that is empty', '401 no_token', () => ({ 'x-api-key': '' })],
    ['in Authorization', '401 no_token', (key) => ({ authorization: `Api-Key ${key}` })],
    ['as a Bearer token', '401 token_invalid', (key) => ({ authorization: `Bearer ${key}` })],
    ['as it should be', 'ok', (key) => ({ 'x-api-key': key })],
    ['under the name in capitals', 'ok', (key) => ({ 'X-API-KEY': key })],
  ])('%s is answered with %s', async (_name, expected, headers) => {
    expect(await reasonWith(headers(test.keyOf('desk')))).toBe(expected);
  });

  it('does not change what anyone may call, even if it is unknown', async () => {
    const headers = { 'x-api-key': createServiceKey() };
    expect((await askRaw(test.app.url, { target: queryTarget('status.get'), headers })).status).toBe(200);
  });

  it('is the hash of no other text: the hash itself is refused', async () => {
    const hash = test.app.config.services[0]?.keyHash ?? '';
    expect(await reasonWith({ 'x-api-key': hash })).toBe('401 token_invalid');
  });

  it('counts for nothing beside a session of any state', async () => {
    const key = { 'x-api-key': test.keyOf('desk') };
    const employee = await test.authService.issue({ type: 'employee', id: 1 });
    const staff = await test.authService.issue({ type: 'staff', id: 42 });
    expect(await reasonWith({ ...key, cookie: `access_token=${employee.access}` })).toBe(`403 ${forbidden}`);
    expect(await reasonWith({ ...key, authorization: `Bearer ${employee.access}` })).toBe(`403 ${forbidden}`);
    expect(await reasonWith({ ...key, cookie: 'access_token=garbage' })).toBe('401 token_invalid');
    expect(await reasonWith({ ...key, cookie: `refresh_token=${staff.refresh}` })).toBe('401 token_expired');
    const answer = await askRaw(test.app.url, { target, headers: { ...key, cookie: `access_token=${staff.access}` } });
    expect(answer.headers['x-session-user']).toBe('staff:42');
    const unknown = { 'x-api-key': createServiceKey(), cookie: `access_token=${staff.access}` };
    expect(await reasonWith(unknown)).toBe('ok');
  });

  it('announces no session', async () => {
    const { headers, setCookies } = await askRaw(test.app.url, {
      target,
      headers: { 'x-api-key': test.keyOf('desk') },
    });
    expect(Object.keys(headers).filter((name) => name.startsWith('x-session'))).toEqual([]);
    expect(setCookies).toEqual([]);
  });

  it('never appears in the log or in an answer, and the name of its service does', async () => {
    const unknown = createServiceKey();
    const refused = await askRaw(test.app.url, { target, headers: { 'x-api-key': unknown } });
    await askRaw(test.app.url, { target, headers: { 'x-api-key': test.keyOf('desk') } });
    const log = JSON.stringify(test.app.logLines);
    for (const secret of [unknown, test.keyOf('desk'), 'staff-pass-1', 'user@example.com']) {
      expect(log).not.toContain(secret);
      expect(refused.body).not.toContain(secret);
    }
    const requests = test.app.logLines.filter(({ msg }) => msg === 'request');
    expect(requests.at(-1)).toMatchObject({ service: 'desk', procedures: ['users.byId'] });
    expect(requests.at(-1)).not.toHaveProperty('person');
    expect(requests.at(-2)).toMatchObject({ reasons: ['token_invalid'] });
    expect(requests.at(-2)).not.toHaveProperty('service');
  });

  it('is named in the audit line of a denied call', async () => {
    await reasonOf(test.service().trpc.users.me.query());
    expect(test.audits().at(-1)).toMatchObject({ audit: 'permission_denied', procedure: 'users.me', service: 'desk' });
    expect(test.audits().at(-1)).not.toHaveProperty('person');
  });
});

const swapCase = (text: string): string =>
  text.replaceAll(/[a-z]/gi, (one) => (one === one.toLowerCase() ? one.toUpperCase() : one.toLowerCase()));

it("a service calls through tRPC's own adapter, too", async () => {
  await using test = await startServices({ officialAdapter: true });
  expect(await test.service().trpc.users.byId.query({ id: 5 })).toMatchObject({ id: 5 });
  expect(await reasonOf(test.service().trpc.users.me.query())).toBe(forbidden);
});

describe('without a service account', () => {
  it('a service calls employees.byId, and other calls say which variables are missing', async () => {
    await using test = await startServices({ account: null });
    const { trpc } = test.service();
    expect(await trpc.employees.byId.query({ id: 1 })).toMatchObject({ id: 1 });
    test.authService.resetCalls();
    const calls = [
      () => trpc.users.byId.query({ id: 5 }),
      () => trpc.users.byIds.query({ ids: [1, 2] }),
      () => trpc.users.byRole.query(technicians),
      () => trpc.assignments.next.mutate(technicians),
    ];
    for (const call of calls) {
      const { reason, message } = await errorDataOf(call());
      expect(reason).toBe(forbidden);
      expect(message).toContain('SERVICE_ACCOUNT_EMAIL and SERVICE_ACCOUNT_PASSWORD');
    }
    expect(test.authService.count()).toBe(0);
  });

  it('a service gets no data of the cache either', async () => {
    await using test = await startServices({ account: null });
    const { trpc } = await browserOf(test.app, 123);
    await trpc.users.byId.query({ id: 5 });
    expect(await reasonOf(test.service().trpc.users.byId.query({ id: 5 }))).toBe(forbidden);
  });
});

describe('the rate limit', () => {
  const limit = { RATE_LIMIT_PER_MINUTE: '60' };
  const statuses = (count: number, send: () => Promise<{ status: number }>) =>
    Promise.all(Array.from({ length: count }, async () => (await send()).status));
  const countOf = (all: number[], status: number) => all.filter((one) => one === status).length;
  const target = queryTarget('users.byId', { json: { id: 5 } });

  it('counts each service by its name, apart from people and from addresses', async () => {
    await using test = await startServices({
      env: limit,
      grants: { desk: ['users.byId'], kiosk: ['users.byId'] },
    });
    const send = (headers: Record<string, string>) => () => askRaw(test.app.url, { target, headers });
    const desk = await statuses(70, send({ 'x-api-key': test.keyOf('desk') }));
    expect([countOf(desk, 200), countOf(desk, 429)]).toEqual([60, 10]);
    expect((await send({ 'x-api-key': test.keyOf('kiosk') })()).status).toBe(200);
    // The person of the service account.
    const { access } = await test.authService.issue({ type: 'staff', id: 123 });
    expect((await send({ cookie: `access_token=${access}` })()).status).toBe(200);
    expect((await send({})()).status).toBe(401);
    test.clock.advance(60_000);
    expect((await send({ 'x-api-key': test.keyOf('desk') })()).status).toBe(200);
  });

  it('counts an unknown key on the address', async () => {
    await using test = await startServices({ env: limit });
    const unknown = await statuses(70, () =>
      askRaw(test.app.url, { target, headers: { 'x-api-key': createServiceKey() } }),
    );
    expect([countOf(unknown, 401), countOf(unknown, 429)]).toEqual([60, 10]);
    expect((await askRaw(test.app.url, { target: queryTarget('status.get') })).status).toBe(429);
    expect((await askRaw(test.app.url, { target, headers: { 'x-api-key': test.keyOf('desk') } })).status).toBe(200);
  });

  it('counts users.byIds of a service once per 50 ids', async () => {
    await using test = await startServices({ env: limit });
    const { trpc } = test.service();
    for (let calls = 0; calls < 6; calls += 1) await trpc.users.byIds.query({ ids: crowd(500) });
    expect(await reasonOf(trpc.users.byIds.query({ ids: crowd(1) }))).toBe('rate_limited');
  });
});

it('a service uses a share of the upstream calls that is its own, and people call beside it', async () => {
  await using test = await startServices({ env: forgetful });
  const { trpc } = test.service();
  await trpc.users.byId.query({ id: 1 });
  const endpoint = 'by-company';
  const hold = holdEndpoint(test.authService, endpoint);
  const lookups = Array.from({ length: 40 }, (_, index) =>
    reasonOf(trpc.users.byCompanyId.query({ companyId: `ZZ${index}` })),
  );
  await expect.poll(() => test.authService.count(endpoint)).toBe(16);
  // The person of the service account.
  const john = await browserOf(test.app, 123);
  const own = john.trpc.users.byCompanyId.query({ companyId: 'MA0001' });
  await expect.poll(() => test.authService.count(endpoint)).toBe(17);
  test.authService.fault(endpoint, null);
  hold.release();
  expect(await own).toMatchObject({ id: 123 });
  expect(new Set(await Promise.all(lookups))).toEqual(new Set(['user_not_found']));
});

it('turns that a service takes count towards its own limit of new keys', async () => {
  await using test = await startServices({ assignmentLimits: { keysPerPersonPerHour: 2 } });
  const next = (name: 'desk', key: string) => test.service(name).trpc.assignments.next.mutate({ ...technicians, key });
  await next('desk', 'T-1');
  await next('desk', 'T-2');
  expect(await reasonOf(next('desk', 'T-3'))).toBe('rate_limited');
  const john = await browserOf(test.app, 123);
  expect(await john.trpc.assignments.next.mutate({ ...technicians, key: 'T-4' })).toMatchObject({ replayed: false });
});
