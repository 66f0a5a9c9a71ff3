import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Subject } from '../../../server/dev/auth-service/people/people.ts';
import { policy } from '../../../server/src/api/policy.ts';
import { appRouter } from '../../../server/src/api/router.ts';
import { createMembership } from '../../../server/src/session/membership.ts';
import { reasonOf } from '../../support/app/browser.ts';
import { createRawConnections } from '../../support/app/raw-connections.ts';
import { errorOf, postHeaders, queryTarget, type RawAnswer, written } from '../../support/app/raw-request.ts';
import { createClock, dialects, startApp, type StartAppOptions, type TestApp } from '../../support/app/start-app.ts';
import { atOnce } from '../../support/time/timers.ts';
import { johnsCredentials } from '../../support/app/people.ts';

const callers = {
  anonymous: null,
  'staff of nothing': { type: 'staff', id: 42 },
  'staff of AMS': { type: 'staff', id: 4 },
  'staff of TTS': { type: 'staff', id: 2 },
  'staff of HDTS': { type: 'staff', id: 3 },
  'employee 1': { type: 'employee', id: 1 },
  'employee 5': { type: 'employee', id: 5 },
} as const satisfies Record<string, Subject | null>;

type CallerName = keyof typeof callers;
const callerNames = Object.keys(callers) as CallerName[];

const allowed = 'allowed';
const forbidden = 'insufficient_permissions';
type Outcomes = Record<CallerName, string>;

/** The same outcome for every signed-in caller, except those named in `others`. */
const outcomes = (everybody: string, { anonymous = 'no_token', ...others }: Partial<Outcomes> = {}): Outcomes => ({
  anonymous,
  'staff of nothing': everybody,
  'staff of AMS': everybody,
  'staff of TTS': everybody,
  'staff of HDTS': everybody,
  'employee 1': everybody,
  'employee 5': everybody,
  ...others,
});
const anyone = outcomes(allowed, { anonymous: allowed });
const signedIn = outcomes(allowed);
const staffAlone = outcomes(allowed, { 'employee 1': forbidden, 'employee 5': forbidden });

type Row = {
  path: string;
  input?: unknown;
  expected: Outcomes;
  /** The rule is about roles, which the tokens of the guide name without their systems. */
  isByRole?: true;
};

/** Every row of the table of procedures in the public interface. */
const rows: Row[] = [
  { path: 'session.current', expected: anyone },
  { path: 'session.me', expected: signedIn },
  {
    path: 'session.login',
    input: johnsCredentials,
    expected: anyone,
  },
  {
    path: 'session.verifyOtp',
    input: { challenge: 'none of ours', code: '123456' },
    expected: outcomes('otp_expired', { anonymous: 'otp_expired' }),
  },
  {
    path: 'session.resendOtp',
    input: { challenge: 'none of ours' },
    expected: outcomes('otp_expired', { anonymous: 'otp_expired' }),
  },
  { path: 'session.refresh', expected: signedIn },
  { path: 'session.logout', expected: anyone },
  { path: 'session.logoutEverywhere', expected: signedIn },
  { path: 'session.validate', expected: anyone },
  { path: 'account.profile', expected: signedIn },
  { path: 'account.updateProfile', input: { phoneNumber: '' }, expected: signedIn },
  {
    path: 'account.changePassword',
    input: { currentPassword: 'not the password', newPassword: 'a new pass-word 1' },
    expected: outcomes('invalid_input'),
  },
  {
    path: 'account.secondFactor',
    input: { action: 'enable', password: 'not the password' },
    expected: outcomes('invalid_input'),
  },
  { path: 'account.requestPasswordReset', input: { email: 'nobody@example.com' }, expected: anyone },
  {
    path: 'account.resetPassword',
    input: { token: 'not-a-token', newPassword: 'a new pass-word 1' },
    expected: outcomes('reset_link_invalid', { anonymous: 'reset_link_invalid' }),
  },
  { path: 'users.me', expected: signedIn },
  { path: 'users.byId', input: { id: 1 }, expected: staffAlone },
  { path: 'users.byIds', input: { ids: [1, 2] }, expected: staffAlone },
  { path: 'users.byCompanyId', input: { companyId: 'MA0001' }, expected: staffAlone },
  {
    path: 'users.byRole',
    input: { system: 'TTS', role: 'Technician' },
    expected: outcomes(forbidden, { 'staff of TTS': allowed }),
  },
  {
    path: 'users.byRole',
    input: { system: 'tts', role: 'technician' },
    expected: outcomes(forbidden, { 'staff of TTS': allowed }),
  },
  {
    path: 'users.byRole',
    input: { system: 'AMS', role: 'User' },
    expected: outcomes(forbidden, { 'staff of AMS': allowed }),
  },
  {
    path: 'users.byRole',
    input: { system: 'HDTS', role: 'Employee' },
    // In the deployed service, employees have a role in HDTS but are not staff of HDTS.
    expected: outcomes(forbidden, { 'staff of HDTS': allowed }),
  },
  { path: 'session.onEnd', expected: signedIn },
  ...[
    'assignments.candidates',
    'assignments.peek',
    'assignments.next',
    'assignments.rotation',
    'assignments.history',
    'assignments.onTurn',
  ].flatMap((path) => [
    {
      path,
      input: { system: 'TTS', role: 'Technician' },
      expected: outcomes(forbidden, { 'staff of TTS': allowed }),
    },
    {
      path,
      input: { system: 'ams', role: 'User' },
      expected: outcomes(forbidden, { 'staff of AMS': allowed }),
    },
  ]),
  {
    path: 'assignments.reassign',
    input: { system: 'TTS', role: 'Technician', key: 'unknown' },
    expected: outcomes(forbidden, { 'staff of TTS': 'assignment_not_found' }),
  },
  {
    path: 'assignments.setAvailability',
    input: { system: 'tts', away: false },
    expected: outcomes(forbidden, { 'staff of TTS': allowed }),
  },
  {
    path: 'assignments.setAvailability',
    // The caller in AMS, who may not do it for others.
    input: { system: 'AMS', away: false, userId: 4 },
    expected: outcomes(forbidden, { 'staff of AMS': allowed }),
  },
  {
    path: 'assignments.setAvailability',
    // The number of the first employee, who is another person.
    input: { system: 'AMS', away: false, userId: 1 },
    expected: outcomes(forbidden),
    isByRole: true,
  },
  {
    path: 'assignments.setAvailability',
    // The caller in TTS is its manager.
    input: { system: 'TTS', away: false, userId: 1 },
    expected: outcomes(forbidden, { 'staff of TTS': allowed }),
  },
  {
    path: 'assignments.reset',
    input: { system: 'TTS', role: 'Technician' },
    expected: outcomes(forbidden, { 'staff of TTS': allowed }),
  },
  {
    path: 'assignments.reset',
    input: { system: 'AMS', role: 'User' },
    expected: outcomes(forbidden),
    isByRole: true,
  },
  {
    path: 'employees.byId',
    input: { id: 1 },
    expected: outcomes(forbidden, { 'staff of TTS': allowed, 'staff of HDTS': allowed, 'employee 1': allowed }),
  },
  {
    path: 'employees.byId',
    input: { id: 5 },
    expected: outcomes(forbidden, { 'staff of TTS': allowed, 'staff of HDTS': allowed, 'employee 5': allowed }),
  },
  {
    path: 'employees.byId',
    // An AMS staff member with the number of the employee, to detect a mix-up of the two.
    input: { id: 4 },
    expected: outcomes(forbidden, { 'staff of TTS': allowed, 'staff of HDTS': allowed }),
  },
  { path: 'status.get', expected: anyone },
];

const procedures = Object.entries<{ _def: { type: string } }>(
  appRouter._def.procedures as unknown as Record<string, { _def: { type: string } }>,
);
const paths = procedures.map(([path]) => path).toSorted();
const kinds = new Map(procedures.map(([path, { _def }]) => [path, _def.type]));

/** Makes calls as a person, without one where the person is null. */
const createCaller = ({ url, authService }: TestApp) => {
  const { ask } = createRawConnections(url);
  return async (subject: Subject | null, { path, input }: Pick<Row, 'path' | 'input'>): Promise<RawAnswer> => {
    const tokens = subject === null ? null : await authService.issue(subject);
    const headers: Record<string, string> =
      tokens === null ? {} : { cookie: `access_token=${tokens.access}; refresh_token=${tokens.refresh}` };
    return kinds.get(path) === 'mutation'
      ? ask({
          method: 'POST',
          target: `/trpc/${path}`,
          headers: { ...headers, ...postHeaders },
          ...(input === undefined ? {} : { body: written(input) }),
        })
      : ask({ target: queryTarget(path, input === undefined ? undefined : { json: input }), headers });
  };
};

/** The app allows no subscription to stay open: one that its caller may open ends with `overloaded`. */
const noSubscriptions = { perProcess: 0 };
const outcomeOfStream = ({ body }: RawAnswer): string => {
  const reason = /"reason":"(\w+)"/.exec(body)?.[1] ?? expect.fail(`Expected an error, got ${body}`);
  return reason === 'overloaded' ? allowed : reason;
};

/** `allowed`, or the reason of the error. */
const outcomeOf = (answer: RawAnswer): string => {
  if (answer.headers['content-type'] === 'text/event-stream') return outcomeOfStream(answer);
  return answer.status === 200 ? allowed : errorOf(answer).reason;
};

describe('the policy', () => {
  it('has a rule for every procedure and no other rule', () => {
    expect(Object.keys(policy).toSorted()).toEqual(paths);
  });

  it('has a row in this test for every procedure', () => {
    const tested = new Set(rows.map(({ path }) => path));
    expect([...tested].toSorted()).toEqual(paths);
  });
});

describe.each(dialects)('procedure permissions in the %s dialect', (dialect) => {
  const clock = createClock();
  let app: TestApp;
  let call: ReturnType<typeof createCaller>;
  beforeAll(async () => {
    app = await startApp({ dialect, now: clock.now, startAnswerTimer: atOnce, liveLimits: noSubscriptions });
    call = createCaller(app);
  });
  // Tokens without a jti that are issued within the same second are identical, and one of them is signed out below.
  // Minutes, because mails to one address are limited.
  beforeEach(() => clock.advance(240_000));
  afterAll(() => app[Symbol.asyncDispose]());

  const cases = rows.flatMap((row) =>
    callerNames.map((caller) =>
      Object.assign({ caller, call: `${row.path}(${JSON.stringify(row.input ?? null)})` }, row),
    ),
  );

  it.each(cases)('$caller, $call', async ({ caller, expected, ...row }) => {
    expect(outcomeOf(await call(callers[caller], row))).toBe(expected[caller]);
  });

  it.each(cases.filter(({ caller, expected }) => [forbidden, 'no_token'].includes(expected[caller])))(
    'does not call the Auth Service for a call that it then rejects: $caller, $call',
    async ({ caller, isByRole, ...row }) => {
      app.authService.resetCalls();
      await call(callers[caller], row);
      const isLookedUp = isByRole === true && dialect === 'guide' && caller === 'staff of AMS';
      expect(app.authService.calls.map(({ endpoint }) => endpoint)).toEqual(isLookedUp ? ['user'] : []);
    },
  );
});

const startWith = async (subject: Subject, claims: Record<string, unknown> = {}, options: StartAppOptions = {}) => {
  const app = await startApp(options);
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue(subject, claims));
  const { trpc } = browser;
  const byRole = (system: string) => trpc.users.byRole.query({ system, role: 'Technician' });
  return { app, browser, trpc, byRole, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};
const manager: Subject = { type: 'staff', id: 2 };
const custodian: Subject = { type: 'staff', id: 4 };
const employee: Subject = { type: 'employee', id: 1 };
const least = { authService: { claims: 'least' } } as const;

describe('a token with minimal claims', () => {
  it('is completed from user-info if the policy requires a system', async () => {
    await using test = await startWith(manager, {}, least);
    expect((await test.byRole('TTS')).userIds).toContain(1);
    const asked = test.app.authService.calls.map(({ endpoint, path }) => [endpoint, path.split('?')[0]]);
    expect(asked).toEqual([
      ['user', '/api/v1/tts/user-info/2/'],
      ['round-robin', '/api/v1/tts/round-robin/'],
    ]);
  });

  it('is rejected if user-info lists only other systems', async () => {
    await using test = await startWith(custodian, {}, least);
    expect(await reasonOf(test.byRole('TTS'))).toBe(forbidden);
    expect(await reasonOf(test.trpc.employees.byId.query({ id: 1 }))).toBe(forbidden);
    for (const endpoint of ['round-robin', 'employee']) expect(test.app.authService.count(endpoint)).toBe(0);
  });

  it('is not completed if the policy requires only staff', async () => {
    await using test = await startWith(manager, {}, least);
    await test.trpc.users.byId.query({ id: 5 });
    expect(test.app.authService.calls.map(({ path }) => path)).toEqual(['/api/v1/tts/user-info/5/']);
  });

  it('is not completed if the input is invalid', async () => {
    await using test = await startWith(manager, {}, least);
    expect(await reasonOf(test.byRole('not a system'))).toBe('invalid_input');
    expect(test.app.authService.count()).toBe(0);
  });

  it.each([
    { kind: 'status', status: 503 },
    { kind: 'status', status: 500 },
    { kind: 'status', status: 429 },
    { kind: 'reset' },
  ] as const)('answers auth_service_unavailable, not forbidden, during an outage ($kind $status)', async (fault) => {
    await using test = await startWith(manager, {}, least);
    test.app.authService.fault('user', fault);
    expect(await reasonOf(test.byRole('TTS'))).toBe('auth_service_unavailable');
    expect(await reasonOf(test.trpc.employees.byId.query({ id: 1 }))).toBe('auth_service_unavailable');
    for (const endpoint of ['round-robin', 'employee']) expect(test.app.authService.count(endpoint)).toBe(0);
    expect(test.browser.setCookies).toEqual([]);
  });

  it('ends the session if user-info answers 401', async () => {
    await using test = await startWith(manager, {}, least);
    test.app.authService.fault('user', { kind: 'status', status: 401, body: '{"detail":"no"}' });
    expect(await reasonOf(test.byRole('TTS'))).toBe('session_ended');
  });

  it('has no systems if user-info answers 403 or 404', async () => {
    await using test = await startWith(manager, {}, least);
    for (const status of [404, 403]) {
      test.app.authService.fault('user', { kind: 'status', status, body: '{"error":"no"}' });
      expect(await reasonOf(test.byRole('TTS'))).toBe(forbidden);
    }
  });

  it('has no systems if user-info omits them, as in the deployed service', async () => {
    await using test = await startWith(manager, {}, { ...least, dialect: 'deployed' });
    expect(await reasonOf(test.byRole('TTS'))).toBe(forbidden);
  });

  it.each(dialects)('of an employee is never completed, in the %s dialect', async (dialect) => {
    await using test = await startWith(employee, {}, { ...least, dialect });
    expect(await test.trpc.employees.byId.query({ id: 1 })).toMatchObject({ id: 1 });
    expect(await reasonOf(test.trpc.employees.byId.query({ id: 2 }))).toBe(forbidden);
    expect(await reasonOf(test.byRole('TTS'))).toBe(forbidden);
    expect(await test.trpc.session.me.query()).toMatchObject({ user: { id: 1, type: 'employee' }, systems: [] });
    expect(test.app.authService.count('user')).toBe(0);
    expect(test.app.authService.count()).toBe(1);
  });
});

describe('the systems in a token', () => {
  const scoped = [{ system: 'tts', role: 'Manager' }];

  it.each([
    ['systems in lower case', { systems: ['tts'], roles: undefined }],
    ['scoped roles in lower case, and no systems', { systems: undefined, roles: scoped }],
    ['scoped roles of a system that systems leaves out', { systems: ['AMS'], roles: scoped }],
    ['systems beside role names that name no system', { systems: ['Tts'], roles: ['Nobody'] }],
  ])('admit the caller by %s without calling the Auth Service', async (_name, claims) => {
    await using test = await startWith(custodian, claims);
    expect((await test.byRole('tts')).userIds).toContain(1);
    expect(test.app.authService.count('user')).toBe(0);
  });

  it.each([
    ['an admin by role name alone, of another system', { systems: ['AMS'], roles: ['Admin'] }, 0],
    ['a role that is named like the system', { systems: ['AMS'], roles: ['TTS', 'HDTS'] }, 0],
    ['role names and no systems, which user-info completes', { systems: undefined, roles: ['Admin', 'TTS'] }, 1],
    ['no systems at all', { systems: [], roles: [] }, 0],
    [
      'a system whose name contains the name of the required system',
      { systems: ['TTS2', 'XTTS', 'T T S'], roles: undefined },
      0,
    ],
    ['a role without its system', { systems: [], roles: [{ role: 'Admin' }, { system: '', role: 'Admin' }] }, 0],
    ['a role that is not active', { systems: undefined, roles: [{ ...scoped[0], is_active: false }] }, 0],
    ['a long s, whose uppercase form is S', { systems: ['ttſ'], roles: [{ system: 'TTſ', role: 'Manager' }] }, 0],
  ])('do not admit %s', async (_name, claims, asked) => {
    await using test = await startWith(custodian, claims);
    expect(await reasonOf(test.byRole('TTS'))).toBe(forbidden);
    expect(test.app.authService.count()).toBe(asked);
  });

  it('never admit an employee as staff', async () => {
    const claims = { systems: ['TTS', 'HDTS'], roles: [{ system: 'TTS', role: 'Admin' }] };
    await using test = await startWith(employee, claims);
    expect(await reasonOf(test.byRole('TTS'))).toBe(forbidden);
    expect(await reasonOf(test.trpc.employees.byId.query({ id: 2 }))).toBe(forbidden);
    expect(await reasonOf(test.trpc.users.byId.query({ id: 1 }))).toBe(forbidden);
    expect(test.app.authService.count()).toBe(0);
  });
});

it('appear in session.me, which completes missing roles', async () => {
  await using test = await startWith(manager, { systems: ['BMS'], roles: ['Admin'] });
  expect(await test.trpc.session.me.query()).toMatchObject({
    systems: ['BMS'],
    roles: [{ system: 'TTS', role: 'Manager' }],
  });
});

it('the BFF never calls user-info for an employee', async () => {
  const asked: number[] = [];
  const membership = createMembership({
    user: (id) => {
      asked.push(id);
      return Promise.reject(new Error('Unexpected call.'));
    },
  });
  const principal = { ...employee, email: null, fullName: null, systems: null, roles: null };
  const caller = { ...employee, accessToken: 'a token' };
  expect(await membership.toDecide(principal, caller)).toEqual(principal);
  expect(await membership.toShow(principal, caller)).toEqual(principal);
  expect(asked).toEqual([]);
});

it('the BFF checks the identity before it validates the input', async () => {
  await using app = await startApp();
  const anonymous = app.browser();
  expect(await reasonOf(anonymous.trpc.users.byId.query({ id: -1 }))).toBe('no_token');
  const forStaff = paths.filter((path) => policy[path]?.who === 'staff');
  expect(forStaff).toEqual(expect.arrayContaining(['users.byCompanyId', 'users.byId', 'users.byIds', 'users.byRole']));
  const call = createCaller(app);
  for (const path of forStaff) {
    expect(outcomeOf(await call(employee, { path, input: 'not an input' }))).toBe(forbidden);
  }
});
