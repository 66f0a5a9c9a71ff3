import { describe, expect, it } from 'vitest';
import type { PersonChange } from '../../../server/dev/auth-service/people/people-directory.ts';
import type { Subject } from '../../../server/dev/auth-service/people/people.ts';
import type { Browser } from '../../support/app/browser.ts';
import { errorDataOf, reasonOf } from '../../support/app/browser.ts';
import { pastDeadlineAt } from '../../support/time/past-deadline.ts';
import { createClock, dialects, forgetful, startApp, type StartAppOptions } from '../../support/app/start-app.ts';

const staff: Subject = { type: 'staff', id: 123 };
const employee: Subject = { type: 'employee', id: 3 };

/** An app, and a browser with the session of a person. */
const startSignedIn = async (options: StartAppOptions, subject: Subject) => {
  const clock = createClock();
  const app = await startApp({ now: clock.now, ...options });
  const { authService } = app;
  const open = async (whose: Subject) => {
    const browser = app.browser();
    browser.holdTokens(await authService.issue(whose));
    return browser;
  };
  const browser = await open(subject);
  const refresh = (own: Browser = browser) => own.trpc.session.refresh.mutate();
  return { app, authService, clock, browser, open, refresh, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
};

type Case = {
  who: string;
  subject: Subject;
  change: PersonChange;
  arrange?: (test: Awaited<ReturnType<typeof startSignedIn>>) => void;
};

const cases: Case[] = [
  { who: 'a staff person who was deactivated', subject: staff, change: { is_active: false } },
  { who: 'a staff person who was deleted', subject: staff, change: 'deleted' },
  { who: 'an employee who was rejected', subject: employee, change: { status: 'Rejected' } },
  { who: 'an employee who was deleted, whose number a staff person has', subject: employee, change: 'deleted' },
  {
    who: 'an employee who was deleted, whose number is unique',
    subject: employee,
    change: 'deleted',
    arrange: ({ authService }) => authService.changePerson({ type: 'staff', id: employee.id }, 'deleted'),
  },
];

describe.each(dialects)('in the %s dialect, the session of', (dialect) => {
  it.each(cases)(
    '$who ends with the next refresh, and its cookies are cleared',
    async ({ subject, change, arrange }) => {
      await using test = await startSignedIn({ dialect }, subject);
      const { authService, browser, refresh, open } = test;
      const other = await open(subject);
      arrange?.(test);
      expect((await refresh()).user).toMatchObject(subject);
      authService.changePerson(subject, change);
      test.clock.advance(61_000);
      expect(await reasonOf(refresh())).toBe('session_ended');
      expect([...browser.cookies.keys()]).toEqual([]);
      // Also if the client retries with an earlier copy of the cookies, any number of times.
      for (let time = 0; time < 4; time += 1)
        expect(await reasonOf(refresh(other))).toMatch(/^session_ended$|^no_token$/);
      expect([...other.cookies.keys()]).toEqual([]);
    },
  );

  it.each([
    ['503', { kind: 'status', status: 503 }],
    ['500', { kind: 'status', status: 500 }],
    ['an HTML page with 404', { kind: 'status', status: 404, body: '<h1>Not Found</h1>', contentType: 'text/html' }],
    ['a redirect', { kind: 'status', status: 302, headers: { location: '/staff/login/' } }],
    ['bytes that are not HTTP', { kind: 'garbage' }],
  ] as const)('an active person stays signed in if the lookup of their record returns %s', async (_name, fault) => {
    for (const subject of [staff, employee]) {
      await using test = await startSignedIn({ dialect }, subject);
      // The guide's service never redirects.
      if (dialect === 'guide' && fault.kind === 'status' && fault.status === 302) continue;
      for (const endpoint of ['user', 'employee', 'employee-profile', 'me', 'validate'] as const) {
        test.authService.fault(endpoint, { ...fault });
      }
      expect((await test.refresh()).user).toMatchObject(subject);
      expect([...test.browser.cookies.keys()].toSorted()).toEqual(['access_token', 'refresh_token']);
    }
  });

  it('an active person stays signed in if the lookup of their record never responds', async () => {
    for (const [subject, endpoint] of [
      [staff, 'user'],
      [employee, 'employee'],
    ] as const) {
      await using test = await startSignedIn({ dialect }, subject);
      test.authService.fault(endpoint, { kind: 'hang' });
      const { user } = await pastDeadlineAt(test.app, endpoint, test.refresh);
      expect(user).toMatchObject(subject);
      expect([...test.browser.cookies.keys()].toSorted()).toEqual(['access_token', 'refresh_token']);
    }
  });

  it('every call of a person is rejected once a fresh record shows them as inactive', async () => {
    await using test = await startSignedIn({ dialect }, staff);
    const { authService, browser, open, clock } = test;
    const colleague = await open({ type: 'staff', id: 6 });
    authService.changePerson(staff, { is_active: false });
    await colleague.trpc.users.byId.query({ id: staff.id });
    expect(await errorDataOf(browser.trpc.session.me.query())).toMatchObject({
      reason: 'session_ended',
      message: expect.stringContaining('no longer active'),
    });
    expect(await reasonOf(browser.trpc.users.byId.query({ id: 1 }))).toBe('session_ended');
    expect(await browser.trpc.session.current.query()).toEqual({ state: 'signed_out' });
    expect(browser.lastAnswer().headers.get('x-session-user')).toBeNull();
    // An expired record is not used.
    authService.changePerson(staff, { is_active: true });
    clock.advance(61_000);
    expect((await browser.trpc.session.me.query()).user).toMatchObject(staff);
  });

  it('a person is looked up at most once a minute, and no later than after a minute', async () => {
    await using test = await startSignedIn({ dialect, env: { DIRECTORY_FRESH_SECONDS: '3600' } }, staff);
    const { authService, refresh, clock } = test;
    for (let time = 0; time < 3; time += 1) {
      await refresh();
      // After the refresh result is no longer shared, and before the record expires.
      clock.advance(time === 0 ? 0 : 29_000);
    }
    expect(authService.count('user')).toBe(1);
    clock.advance(31_000);
    authService.changePerson(staff, { is_active: false });
    expect(await reasonOf(refresh())).toBe('session_ended');
  });
});

it("an existing person's session is refreshed with an empty directory cache", async () => {
  await using test = await startSignedIn({ dialect: 'deployed', env: forgetful }, staff);
  await test.refresh();
  test.authService.changePerson(staff, { is_active: false });
  expect(await reasonOf(test.refresh())).toBe('session_ended');
});
