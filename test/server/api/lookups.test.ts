import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  type Dialect,
  type EmbeddedAuthService,
  startAuthService,
} from '../../../server/dev/auth-service/auth-service.ts';
import { createPeopleDirectory } from '../../../server/dev/auth-service/people/people-directory.ts';
import { type Staff, staff, type Subject } from '../../../server/dev/auth-service/people/people.ts';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import {
  accessLifetimeMs,
  apiKey,
  createClock,
  forgetful,
  dialects,
  signingKey,
  startApp,
  type StartAppOptions,
} from '../../support/app/start-app.ts';
import { startSignedIn as startAs } from '../../support/app/start-signed-in.ts';

const people = createPeopleDirectory();
const { staffIdsByRole } = people;
const technician: Subject = { type: 'staff', id: 123 };
const helpDeskAgent: Subject = { type: 'staff', id: 3 };
const assetCustodian: Subject = { type: 'staff', id: 4 };
const employee: Subject = { type: 'employee', id: 1 };

const startSignedIn = (subject: Subject, options: StartAppOptions = {}) => startAs({ subject, ...options });

const seeded = (id: number): Staff => {
  const found = people.staff.find(id);
  if (found === null) throw new Error(`No seeded person has the number ${id}.`);
  return found;
};

const named = ({ id, email, first_name, last_name }: Staff) => ({
  id,
  email,
  firstName: first_name,
  lastName: last_name,
});

/** The `users.byId` response for a seeded person. The dialects omit different fields; an omitted field is null. */
const userOf = (person: Staff, dialect: Dialect) =>
  dialect === 'guide'
    ? {
        ...named(person),
        companyId: person.company_id,
        department: null,
        position: null,
        isActive: person.is_active ? null : false,
        joinedAt: null,
        systems: [...new Set(person.roles.map(({ system }) => system))],
        roles: person.roles,
      }
    : {
        ...named(person),
        companyId: null,
        department: person.department,
        position: null,
        isActive: person.is_active,
        joinedAt: new Date(person.date_joined),
        systems: null,
        roles: null,
      };

/** All fields of a seeded person, as the profile endpoint returns them. */
const profileOf = (person: Staff, dialect: Dialect) => ({
  ...named(person),
  companyId: person.company_id,
  department: person.department,
  // The deployed service stores no position of staff.
  position: dialect === 'guide' ? person.position : null,
  isActive: person.is_active,
  joinedAt: new Date(person.date_joined),
  systems: [...new Set(person.roles.map(({ system }) => system))],
  roles: person.roles,
});

/** The public fields of a seeded employee. */
const employeeOf = (id: number, dialect: Dialect) => {
  const found = people.employees.find(id);
  if (found === null) throw new Error(`No employee in the seed has the number ${id}.`);
  return {
    id,
    email: found.email,
    firstName: found.first_name,
    lastName: found.last_name,
    status: dialect === 'guide' ? found.status : 'Approved',
    createdAt: new Date(found.created_at),
  };
};

const idsAsked = ({ calls }: EmbeddedAuthService): unknown[] =>
  calls.filter(({ endpoint }) => endpoint === 'users').map(({ body }) => JSON.parse(body) as unknown);

describe.each(dialects)('lookups in the %s dialect', (dialect) => {
  /** For calls that are rejected, or that only read: they leave nothing behind but cached people. */
  let shared: Awaited<ReturnType<typeof startSignedIn>>;
  beforeAll(async () => {
    shared = await startSignedIn(technician, { dialect });
  });
  beforeEach(() => shared.authService.resetCalls());
  afterAll(() => shared[Symbol.asyncDispose]());
  /** A browser of the shared app. */
  const readAs = async (subject: Subject) => {
    const browser = shared.app.browser();
    browser.holdTokens(await shared.authService.issue(subject));
    return { browser };
  };

  describe('users.me', () => {
    it('returns the profile of a signed-in staff member', async () => {
      const test = await readAs(technician);
      expect(await test.browser.trpc.users.me.query()).toEqual(profileOf(seeded(123), dialect));
    });

    it('returns the profile of a signed-in employee, though a staff user has the same number', async () => {
      await using test = await startSignedIn(employee, { dialect });
      expect(await test.browser.trpc.users.me.query()).toEqual(employeeOf(1, dialect));
      expect(test.authService.count('staff-profile')).toBe(0);
    });
  });

  describe('users.byId', () => {
    it('returns a user, with null for every field that the Auth Service omits', async () => {
      const test = await readAs(technician);
      for (const id of [123, 1, 12, 31, 42]) {
        expect(await test.browser.trpc.users.byId.query({ id })).toEqual(userOf(seeded(id), dialect));
      }
    });

    it('answers user_not_found for an unknown id', async () => {
      const test = await readAs(technician);
      expect(await errorDataOf(test.browser.trpc.users.byId.query({ id: 999_999 }))).toMatchObject({
        code: 'NOT_FOUND',
        reason: 'user_not_found',
      });
      expect(test.browser.setCookies).toEqual([]);
    });

    it.each([0, -1, 1.5, Number.MAX_SAFE_INTEGER + 1])(
      'rejects %s as an id without calling the Auth Service',
      async (id) => {
        expect(await reasonOf(shared.browser.trpc.users.byId.query({ id }))).toBe('invalid_input');
        expect(shared.authService.count()).toBe(0);
      },
    );
  });

  describe('users.byIds', () => {
    it('returns users in the requested order without duplicates, and lists unknown ids in notFound', async () => {
      await using test = await startSignedIn(technician, { dialect });
      const answer = await test.browser.trpc.users.byIds.query({ ids: [123, 9999, 5, 1, 123, 8888, 5, 9999, 42] });
      expect(answer).toEqual({
        users: [123, 5, 1, 42].map((id) => userOf(seeded(id), dialect)),
        notFound: [9999, 8888],
      });
      expect(test.authService.count()).toBe(1);
    });

    it('returns only notFound if every requested id is unknown', async () => {
      const test = await readAs(technician);
      const answer = await test.browser.trpc.users.byIds.query({ ids: [9999, 8888] });
      expect(answer).toEqual({ users: [], notFound: [9999, 8888] });
    });

    it('loads 250 people with 3 requests, and each person once', async () => {
      await using test = await startSignedIn(technician, { dialect });
      const ids = Array.from({ length: 250 }, (_, index) => index + 1);
      const { users, notFound } = await test.browser.trpc.users.byIds.query({ ids });
      expect(users.map(({ id }) => id)).toEqual(staff.map(({ id }) => id).toSorted((a, b) => a - b));
      expect([...users.map(({ id }) => id), ...notFound].toSorted((a, b) => a - b)).toEqual(ids);

      const asked = idsAsked(test.authService) as Array<{ user_ids: number[]; employee_cookie_ids: number[] }>;
      expect(asked.map(({ user_ids }) => user_ids.length).toSorted((a, b) => a - b)).toEqual([50, 100, 100]);
      expect(asked.flatMap(({ user_ids }) => user_ids).toSorted((a, b) => a - b)).toEqual(ids);
      for (const { user_ids, employee_cookie_ids } of asked) expect(employee_cookie_ids).toEqual(user_ids);
    });

    it('counts a repeated id once', async () => {
      await using test = await startSignedIn(technician, { dialect });
      const ids = Array.from({ length: 500 }, (_, index) => (index % 50) + 1);
      await test.browser.trpc.users.byIds.query({ ids });
      expect(test.authService.count('users')).toBe(1);
    });

    it('accepts 500 ids', async () => {
      await using test = await startSignedIn(technician, { dialect });
      const ids = Array.from({ length: 500 }, (_, index) => 1000 + index);
      const { users, notFound } = await test.browser.trpc.users.byIds.query({ ids });
      expect(users).toEqual([]);
      expect(notFound).toEqual(ids);
      expect(test.authService.count('users')).toBe(5);
    });

    it.each([0, 501])('rejects %i ids without calling the Auth Service', async (length) => {
      const ids = Array.from({ length }, (_, index) => index + 1);
      const data = await errorDataOf(shared.browser.trpc.users.byIds.query({ ids }));
      expect(data).toMatchObject({ code: 'BAD_REQUEST', reason: 'invalid_input', issues: [{ path: 'ids' }] });
      expect(shared.authService.count()).toBe(0);
    });

    it('fails as a whole if one of its requests fails', async () => {
      await using test = await startSignedIn(technician, { dialect });
      test.authService.fault('users', { kind: 'status', status: 500, times: 1 });
      const ids = Array.from({ length: 250 }, (_, index) => index + 1);
      expect(await reasonOf(test.browser.trpc.users.byIds.query({ ids }))).toBe('auth_service_unavailable');
    });
  });

  describe('users.byCompanyId', () => {
    it.each(['MA0001', 'ma0001', ' MA0001 '])(
      'finds %j, and merges the fields of both Auth Service responses',
      async (companyId) => {
        const test = await readAs(assetCustodian);
        const found = await test.browser.trpc.users.byCompanyId.query({ companyId });
        expect(found).toEqual(profileOf(seeded(123), dialect));
      },
    );

    it.each([
      ['an unknown company id', 'MA9999'],
      ['an employee’s company id, whose number a staff user has too', 'EM0001'],
      ['an employee’s company id in lower case', 'em0005'],
    ])('answers user_not_found for %s', async (_name, companyId) => {
      const test = await readAs(technician);
      const data = await errorDataOf(test.browser.trpc.users.byCompanyId.query({ companyId }));
      expect(data).toMatchObject({ code: 'NOT_FOUND', reason: 'user_not_found' });
    });

    it('does not match two people because neither has an e-mail address', async () => {
      await using test = await startSignedIn(technician, { dialect });
      const nameless = (answer: { body: unknown }) => ({ ...(answer.body as object), email: '' });
      for (const endpoint of ['by-company', 'user'] as const) {
        test.authService.fault(endpoint, {
          kind: 'transform',
          answer: (answer) => ({ ...answer, body: nameless(answer) }),
        });
      }
      const call = test.browser.trpc.users.byCompanyId.query({ companyId: 'MA0001' });
      expect(await reasonOf(call)).toBe('user_not_found');
    });

    it.each(['../profile', 'MA0001/', 'MA0001?x=1', '%2e%2e', '', 'MA 0001'])('rejects %j', async (companyId) => {
      const call = shared.browser.trpc.users.byCompanyId.query({ companyId });
      expect(await reasonOf(call)).toBe('invalid_input');
      expect(shared.authService.count()).toBe(0);
    });
  });

  describe('users.byRole', () => {
    it.each([
      ['TTS', 'Technician'],
      ['tts', 'tECHNICIAN'],
    ])('returns the technicians for %s and %s', async (system, role) => {
      const test = await readAs(technician);
      const { userIds } = await test.browser.trpc.users.byRole.query({ system, role });
      expect(userIds).toEqual([1, 5, 12, 23, 31, 123]);
      expect(userIds).toEqual(staffIdsByRole('TTS', 'Technician'));
    });

    it('returns an empty list for an unknown role', async () => {
      const test = await readAs(technician);
      expect(await test.browser.trpc.users.byRole.query({ system: 'TTS', role: 'Astronaut' })).toEqual({ userIds: [] });
    });

    it('forwards a role unchanged, including special characters', async () => {
      await using test = await startSignedIn(technician, { dialect });
      const role = 'R&D + 50% #1 ?é';
      expect(await test.browser.trpc.users.byRole.query({ system: 'TTS', role })).toEqual({ userIds: [] });
      const [call] = test.authService.calls;
      const query = new URLSearchParams(call?.path.split('?')[1]);
      expect(Object.fromEntries(query)).toEqual({ system: 'TTS', role, role_name: role });
    });
  });

  describe('employees.byId', () => {
    it.each([
      ['staff of HDTS', helpDeskAgent],
      ['staff of TTS', technician],
      ['the employee', employee],
    ])('returns only the public fields to %s', async (_name, subject) => {
      const test = await readAs(subject);
      expect(await test.browser.trpc.employees.byId.query({ id: 1 })).toEqual(employeeOf(1, dialect));
      const answered = await test.browser.lastAnswer().text();
      expect(answered).not.toMatch(/phone|company|username|EM0001|last_login|\+63/);
    });

    it.each([
      ['staff of AMS alone', assetCustodian],
      ['staff of nothing', { type: 'staff', id: 42 } as const],
      ['another employee', { type: 'employee', id: 5 } as const],
    ])('rejects %s without calling the Auth Service', async (_name, subject) => {
      const browser = shared.app.browser();
      browser.holdTokens(await shared.authService.issue(subject));
      const data = await errorDataOf(browser.trpc.employees.byId.query({ id: 1 }));
      expect(data).toMatchObject({ code: 'FORBIDDEN', reason: 'insufficient_permissions' });
      expect(shared.authService.count()).toBe(0);
    });

    it('answers employee_not_found for an unknown employee number, though a staff user has it', async () => {
      const test = await readAs(technician);
      const data = await errorDataOf(test.browser.trpc.employees.byId.query({ id: 123 }));
      expect(data).toMatchObject({ code: 'NOT_FOUND', reason: 'employee_not_found' });
    });

    it('sends the API key and no user token to the Auth Service', async () => {
      await using test = await startSignedIn(technician, { dialect });
      await test.browser.trpc.employees.byId.query({ id: 1 });
      const [call] = test.authService.calls;
      expect(call).toMatchObject({ endpoint: 'employee', headers: { 'x-api-key': apiKey } });
      expect(call?.headers).not.toHaveProperty('cookie');
      expect(call?.headers).not.toHaveProperty('authorization');
    });
  });

  describe('session.me', () => {
    it('returns the signed-in person, their systems, and the expiry of the session', async () => {
      await using test = await startSignedIn(technician, { dialect });
      const session = await test.browser.trpc.session.me.query();
      expect(session).toEqual({
        user: { id: 123, type: 'staff', email: 'user@example.com', fullName: 'John Doe' },
        systems: ['TTS', 'AMS'],
        roles: [
          { system: 'TTS', role: 'Technician' },
          { system: 'AMS', role: 'User' },
        ],
        expiresAt: new Date(test.clock.now() + accessLifetimeMs[dialect]),
        // The client refreshes 300 s before the expiry, or at half of a lifetime shorter than 600 s.
        refreshAt: new Date(test.clock.now() + (dialect === 'guide' ? 600_000 : 150_000)),
      });
      // The guide's token names roles without their systems; the deployed token holds all of them.
      expect(test.authService.count('user')).toBe(dialect === 'guide' ? 1 : 0);
      expect(test.authService.count()).toBe(test.authService.count('user'));
    });

    it('returns the claims of the token during an Auth Service outage', async () => {
      await using test = await startSignedIn(technician, { dialect });
      test.authService.fault('*', { kind: 'status', status: 503 });
      const session = await test.browser.trpc.session.me.query();
      expect(session.user).toMatchObject({ id: 123, type: 'staff' });
      expect(session.systems).toEqual(['TTS', 'AMS']);
      expect(session.roles).toHaveLength(dialect === 'guide' ? 0 : 2);
    });

    it('does not call the Auth Service for an employee', async () => {
      await using test = await startSignedIn(employee, { dialect });
      const { user } = await test.browser.trpc.session.me.query();
      expect(user).toMatchObject({ id: 1, type: 'employee', email: employeeOf(1, dialect).email });
      expect(test.authService.count()).toBe(0);
    });
  });

  describe('session.validate', () => {
    it('is true if the Auth Service accepts a staff token', async () => {
      await using test = await startSignedIn(technician, { dialect });
      expect(await test.browser.trpc.session.validate.query()).toEqual({ valid: true });
      expect(test.authService.count('validate')).toBe(1);
      expect(test.authService.count()).toBe(1);
    });

    it('calls the Auth Service for an employee if the dialect distinguishes employees from staff', async () => {
      await using test = await startSignedIn(employee, { dialect });
      expect(await test.browser.trpc.session.validate.query()).toEqual({ valid: true });
      const { authService } = test;
      const asked = authService.calls.map(({ endpoint }) => endpoint);
      expect(asked).toEqual(dialect === 'guide' ? ['me', 'employee-profile'] : ['me']);
    });

    it('is false for a token that the BFF rejects, without calling the Auth Service', async () => {
      await using test = await startSignedIn(technician, { dialect });
      const { app, clock, tokens, authService } = test;
      const [header, payload, signature = ''] = tokens.access.split('.');
      const tampered = app.browser();
      const flipped = `${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`;
      tampered.holdTokens({ access: `${header}.${payload}.${flipped}` });
      expect(await tampered.trpc.session.validate.query()).toEqual({ valid: false });
      expect(await app.browser().trpc.session.validate.query()).toEqual({ valid: false });
      clock.advance(900_000);
      expect(await test.browser.trpc.session.validate.query()).toEqual({ valid: false });
      expect(authService.count()).toBe(0);
    });

    it('is false if the Auth Service rejects the token, and keeps the cookies', async () => {
      await using test = await startSignedIn(technician, { dialect });
      const refusals = [
        { kind: 'status', status: 401, body: '{"detail":"no"}' },
        { kind: 'status', status: 302, headers: { location: '/staff/login/' } },
        { kind: 'status', status: 403, body: '{"detail":"no"}' },
        { kind: 'body', body: '{"valid":false}' },
        { kind: 'body', body: '{"valid":true,"user_id":124,"user_type":"staff"}' },
        { kind: 'body', body: '{"valid":true,"user_id":123,"user_type":"employee"}' },
      ] as const;
      for (const fault of refusals) {
        test.authService.fault('validate', fault);
        expect(await test.browser.trpc.session.validate.query()).toEqual({ valid: false });
      }
      expect(test.browser.setCookies).toEqual([]);
    });

    it.each([technician, employee])(
      'answers auth_service_unavailable during an outage, for $type $id',
      async (subject) => {
        await using test = await startSignedIn(subject, { dialect });
        for (const status of [500, 503, 429]) {
          test.authService.fault('*', { kind: 'status', status });
          const data = await errorDataOf(test.browser.trpc.session.validate.query());
          expect(data).toMatchObject({ code: 'SERVICE_UNAVAILABLE', reason: 'auth_service_unavailable' });
        }
        expect(test.browser.setCookies).toEqual([]);
      },
    );
  });

  describe('status.get', () => {
    it('reports up, then down, then up again, each with the time of the change', async () => {
      const clock = createClock();
      await using app = await startApp({ dialect, now: clock.now });
      const { trpc } = app.browser();
      clock.advance(1_000);
      expect(await trpc.status.get.query()).toEqual({ authService: 'up', since: new Date(clock.now()) });

      await app.authService.close();
      clock.advance(10_000);
      const downSince = new Date(clock.now());
      expect(await trpc.status.get.query()).toEqual({ authService: 'down', since: downSince });
      clock.advance(10_000);
      expect(await trpc.status.get.query()).toEqual({ authService: 'down', since: downSince });

      const port = Number(new URL(app.authService.url).port);
      await using _again = await startAuthService({ dialect, port, signingKey, apiKey, now: clock.now });
      clock.advance(10_000);
      expect(await trpc.status.get.query()).toEqual({ authService: 'up', since: new Date(clock.now()) });
    });

    it.each([500, 502, 503])('is down if the Auth Service answers %i to a request without a token', async (status) => {
      await using app = await startApp({ dialect });
      app.authService.fault('*', { kind: 'status', status });
      expect(await app.browser().trpc.status.get.query()).toMatchObject({ authService: 'down' });
    });

    it('calls the Auth Service once for all requests within five seconds', async () => {
      const clock = createClock();
      await using app = await startApp({ dialect, now: clock.now });
      const asking = Array.from({ length: 20 }, () => app.browser().trpc.status.get.query());
      await Promise.all(asking);
      clock.advance(4_999);
      await app.browser().trpc.status.get.query();
      expect(app.authService.count()).toBe(1);
      clock.advance(1);
      await app.browser().trpc.status.get.query();
      expect(app.authService.count()).toBe(2);
    });
  });

  it('The BFF sends the token in a cookie, and forwards no other header of the browser', async () => {
    await using test = await startSignedIn(technician, { dialect });
    const { app, tokens, authService } = test;
    const requestId = 'request-id-of-the-test';
    const browser = app.browser({
      headers: {
        'x-request-id': requestId,
        authorization: 'Bearer of.some.kind',
        'x-api-key': 'guess',
        'x-forwarded-for': '10.0.0.1',
      },
    });
    browser.holdTokens(tokens);
    browser.cookies.set('sessionid', 'a-django-session');
    browser.cookies.set('csrftoken', 'a-csrf-token');
    await browser.trpc.users.me.query();
    await browser.trpc.users.byId.query({ id: 5 });
    await browser.trpc.users.byIds.query({ ids: [5, 6] });
    await browser.trpc.users.byRole.query({ system: 'TTS', role: 'Technician' });
    await browser.trpc.users.byCompanyId.query({ companyId: 'MA0001' });
    await browser.trpc.session.validate.query();

    // User 6 is requested both ways, because the bulk-lookup probe compares the two responses.
    await expect.poll(() => authService.count()).toBe(8);
    for (const { method, headers } of authService.calls) {
      expect(headers.cookie).toBe(`access_token=${tokens.access}`);
      expect(headers['x-request-id']).toBe(requestId);
      const ofBody = method === 'POST' ? ['content-length', 'content-type'] : [];
      expect(Object.keys(headers).toSorted()).toEqual(
        ['accept', 'connection', 'cookie', 'host', 'x-forwarded-for', 'x-request-id', ...ofBody].toSorted(),
      );
      // The address of the connection, not the one in the forged header.
      expect(headers['x-forwarded-for']).toBe('127.0.0.1');
    }
  });

  it('The BFF sends a Bearer token in the cookie, the only place where the Auth Service reads it', async () => {
    await using test = await startSignedIn(technician, { dialect });
    const browser = test.app.browser({ headers: { authorization: `Bearer ${test.tokens.access}` } });
    expect(await browser.trpc.users.byId.query({ id: 5 })).toMatchObject({ id: 5 });
    const [call] = test.authService.calls;
    expect(call?.headers.cookie).toBe(`access_token=${test.tokens.access}`);
    expect(call?.headers).not.toHaveProperty('authorization');
  });
});

it('a lookup never returns the record of another person', async () => {
  await using test = await startSignedIn(technician, { env: forgetful });
  const { id, email, first_name, last_name } = seeded(6);
  const record = { id, email, first_name, last_name };
  const byIds = () => test.browser.trpc.users.byIds.query({ ids: [5] });

  test.authService.fault('users', { kind: 'body', body: JSON.stringify({ users: [record], not_found: [] }) });
  expect(await byIds()).toEqual({ users: [], notFound: [5] });
  test.authService.fault('users', { kind: 'body', body: JSON.stringify({ 5: record }) });
  expect(await reasonOf(byIds())).toBe('auth_service_contract');
  test.authService.fault('user', { kind: 'body', body: JSON.stringify(record) });
  expect(await reasonOf(test.browser.trpc.users.byId.query({ id: 5 }))).toBe('auth_service_contract');
});

it('users.byRole returns each person of a role once', async () => {
  await using test = await startSignedIn(technician);
  test.authService.fault('round-robin', { kind: 'body', body: '{"user_ids":[5,1,"5",1,12]}' });
  const { userIds } = await test.browser.trpc.users.byRole.query({ system: 'TTS', role: 'Technician' });
  expect(userIds).toEqual([5, 1, 12]);
});

it('users.byRole returns people of any system if the Auth Service does not filter by system', async () => {
  await using test = await startSignedIn(technician, { dialect: 'guide' });
  const { userIds } = await test.browser.trpc.users.byRole.query({ system: 'ams', role: 'user' });
  expect(userIds).toEqual(staffIdsByRole('AMS', 'User'));
  test.authService.fault('round-robin', { kind: 'body', body: '{"user_ids":[1,2],"system":"BMS"}' });
  const call = test.browser.trpc.users.byRole.query({ system: 'AMS', role: 'User' });
  expect(await reasonOf(call)).toBe('auth_service_contract');
});

it('a wrong AUTH_API_KEY is reported as auth_service_contract and never signs a person out', async () => {
  const wrong = 'another-api-key';
  await using test = await startSignedIn(technician, { dialect: 'guide', env: { AUTH_API_KEY: wrong } });
  const data = await errorDataOf(test.browser.trpc.employees.byId.query({ id: 1 }));
  expect(data).toMatchObject({ code: 'BAD_GATEWAY', reason: 'auth_service_contract' });
  expect(data.message).toContain('AUTH_API_KEY');
  expect(JSON.stringify([data, test.logLines])).not.toContain(wrong);
  expect(test.browser.setCookies).toEqual([]);
  expect((await test.browser.trpc.users.byId.query({ id: 5 })).id).toBe(5);
});

it('users.me follows the Auth Service if it reports another person type than the token', async () => {
  await using test = await startSignedIn(employee, { dialect: 'deployed' });
  for (const body of ['{"type":"user","data":{"id":1}}', '{"type":"employee","data":{"id":2}}']) {
    test.authService.fault('me', { kind: 'body', body });
    expect(await test.browser.trpc.session.validate.query()).toEqual({ valid: false });
  }
});

it('users.me completes a token with minimal claims from user-info', async () => {
  await using test = await startSignedIn(technician, { dialect: 'guide', authService: { claims: 'least' } });
  expect(await test.browser.trpc.session.me.query()).toMatchObject({
    user: { id: 123, type: 'staff', email: 'user@example.com', fullName: 'John Doe' },
    systems: ['TTS', 'AMS'],
    roles: [
      { system: 'TTS', role: 'Technician' },
      { system: 'AMS', role: 'User' },
    ],
  });
});
