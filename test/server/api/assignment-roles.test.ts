import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorDataOf } from '../../support/app/browser.ts';
import { browserOf } from '../../support/app/crowd.ts';
import { dialects, startApp, type TestApp } from '../../support/app/start-app.ts';

const technicians = { system: 'TTS', role: 'Technician' };

/** Seeded staff: the calls that they may make in TTS are the subject of these tests. */
const people = {
  technician: 1,
  manager: 2,
  admin: 15,
  user: 18,
  specialist: 34,
  'manager of HDTS': 10,
  // A token of the guide names the role Manager beside both systems.
  'manager of HDTS, user of TTS': 88,
  'admin of everything': 6,
  'staff of nothing': 42,
} as const;
type Name = keyof typeof people;
const names = Object.keys(people) as Name[];

type Trpc = Awaited<ReturnType<typeof browserOf>>['trpc'];

/** Calls that succeed for everybody who may make them, and change nothing that another case depends on. */
const calls = {
  next: ({ assignments }: Trpc) => assignments.next.mutate({ ...technicians, key: 'T-1' }),
  reassign: ({ assignments }: Trpc) => assignments.reassign.mutate({ ...technicians, key: 'unknown' }),
  reset: ({ assignments }: Trpc) => assignments.reset.mutate(technicians),
  'setAvailability of another': ({ assignments }: Trpc) =>
    assignments.setAvailability.mutate({ system: 'TTS', userId: 5, away: false }),
  'setAvailability of oneself': ({ assignments }: Trpc) =>
    assignments.setAvailability.mutate({ system: 'tts', away: false }),
  rotation: ({ assignments }: Trpc) => assignments.rotation.query(technicians),
  history: ({ assignments }: Trpc) => assignments.history.query(technicians),
} as const satisfies Record<string, (trpc: Trpc) => Promise<unknown>>;
type Call = keyof typeof calls;
const callNames = Object.keys(calls) as Call[];

const staffOfTts: readonly Name[] = [
  'technician',
  'manager',
  'admin',
  'user',
  'specialist',
  'manager of HDTS, user of TTS',
  'admin of everything',
];
const ofAdmins: readonly Name[] = ['admin', 'admin of everything'];
const byDefault: readonly Name[] = ['manager', ...ofAdmins];
const forStaff = {
  'setAvailability of oneself': staffOfTts,
  rotation: staffOfTts,
  history: staffOfTts,
};
const leads = (allowed: readonly Name[]) => ({ reset: allowed, 'setAvailability of another': allowed, ...forStaff });

type Setting = { setting: string; env: Record<string, string>; allowed: Record<Call, readonly Name[]> };
const settings: Setting[] = [
  { setting: 'no ASSIGNMENT_ROLES', env: {}, allowed: { next: staffOfTts, reassign: staffOfTts, ...leads(byDefault) } },
  {
    setting: 'roles of another system only',
    env: { ASSIGNMENT_ROLES: 'HDTS:Manager,AMS:Technician' },
    allowed: { next: staffOfTts, reassign: staffOfTts, ...leads(byDefault) },
  },
  {
    setting: 'two roles, in another case',
    env: { ASSIGNMENT_ROLES: 'tts:SPECIALIST, HDTS:Manager, Tts:admin' },
    allowed: {
      next: ['specialist', ...ofAdmins],
      reassign: ['specialist', ...ofAdmins],
      ...leads(['specialist', ...ofAdmins]),
    },
  },
  {
    setting: 'a role that no person has',
    env: { ASSIGNMENT_ROLES: 'TTS:Dispatcher' },
    allowed: { next: [], reassign: [], ...leads([]) },
  },
];

/** `allowed`, or the reason. */
const outcomeOf = async (call: Promise<unknown>): Promise<string> => {
  const answered = call.then(
    () => 'allowed',
    async () => (await errorDataOf(call)).reason,
  );
  const outcome = await answered;
  return outcome === 'assignment_not_found' ? 'allowed' : outcome;
};

describe.each(dialects)('who may manage turns, in the %s dialect', (dialect) => {
  describe.each(settings)('with $setting', ({ env, allowed }) => {
    let app: TestApp;
    const trpcOf = new Map<Name, Trpc>();
    beforeAll(async () => {
      app = await startApp({ dialect, env });
      for (const name of names) trpcOf.set(name, (await browserOf(app, people[name])).trpc);
    });
    afterAll(() => app[Symbol.asyncDispose]());

    it.each(callNames)('%s', async (call) => {
      const outcomes = await Promise.all(
        names.map(async (name) => [name, await outcomeOf(calls[call](trpcOf.get(name) as Trpc))] as const),
      );
      const expected = names.map((name) => [
        name,
        allowed[call].includes(name) ? 'allowed' : 'insufficient_permissions',
      ]);
      expect(Object.fromEntries(outcomes)).toEqual(Object.fromEntries(expected));
    });
  });
});

it('roles that the token does not have are looked up, and an outage of that is no refusal', async () => {
  await using app = await startApp({ authService: { claims: 'least' } });
  const { trpc } = await browserOf(app, people.manager);
  app.authService.fault('user', { kind: 'status', status: 503 });
  expect(await outcomeOf(calls.reset(trpc))).toBe('auth_service_unavailable');
  app.authService.clearFaults();
  expect(await outcomeOf(calls.reset(trpc))).toBe('allowed');
  const user = await browserOf(app, people.user);
  expect(await outcomeOf(calls.reset(user.trpc))).toBe('insufficient_permissions');
});

it('a role that the Auth Service marks as inactive does not count', async () => {
  await using app = await startApp({ dialect: 'deployed' });
  const roles = [
    { system: 'tts', role: 'Manager', is_active: false },
    { system: 'tts', role: 'User', is_active: true },
  ];
  const browser = app.browser();
  browser.holdTokens(await app.authService.issue({ type: 'staff', id: people.manager }, { roles }));
  expect(await outcomeOf(calls.reset(browser.trpc))).toBe('insufficient_permissions');
  expect(await outcomeOf(calls.next(browser.trpc))).toBe('allowed');
});
