import { describe, expect, it } from 'vitest';
import { signInPeople } from '../../../../server/dev/auth-service/people/people.ts';
import { type Browser, reasonOf } from '../../../support/app/browser.ts';
import { johnsCredentials } from '../../../support/app/people.ts';
import { createClock, startApp, type TestApp } from '../../../support/app/start-app.ts';
import { holdEndpoint } from '../../../support/auth-service/hold-endpoint.ts';
import { heldBy, startReplicas } from '../../../support/processes/start-replicas.ts';
import { hasRedis } from '../../../support/redis/redis.ts';
import { sameAt, signedInAt, stateOf, works } from '../../../support/session/session-state.ts';

const rafael = signInPeople.find(({ shows }) => shows.startsWith('Second factor'));
if (rafael === undefined) throw new Error('No seeded person has a second factor.');
const rafaelsCredentials = { email: rafael.email, password: rafael.password };

const newPassword = 'another-pass-2';
const change = { currentPassword: johnsCredentials.password, newPassword };

const clocks = [
  ['agrees with ours', 0],
  ['is 20 s behind', -20_000],
  ['is 20 s ahead', 20_000],
] as const;

const challengeIn = async (page: Browser): Promise<string> => {
  const answer = await page.trpc.session.login.mutate(rafaelsCredentials);
  if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
  return answer.challenge;
};
const codeOf = ({ authService }: Pick<TestApp, 'authService'>) => authService.lastCode(rafaelsCredentials.email) ?? '';

describe.each(clocks)('if the clock of the Auth Service %s', (_name, offsetMs) => {
  it('a sign-in with the old password, in progress during a change of password, does not outlive it', async () => {
    const clock = createClock();
    await using app = await startApp({ now: clock.now, authService: { now: () => clock.now() + offsetMs } });
    const here = await signedInAt(app);
    clock.advance(1_000);
    const thief = app.browser();
    const hold = holdEndpoint(app.authService, 'staff-login');
    const signingIn = reasonOf(thief.trpc.session.login.mutate(johnsCredentials));
    await hold.held;
    clock.advance(1_000);
    await here.trpc.account.changePassword.mutate(change);
    clock.advance(1_000);
    hold.release();
    expect(await signingIn).toBe('session_ended');
    expect([heldBy(thief), await stateOf(here)]).toEqual([{ access: '', refresh: '' }, works]);
    await expect.poll(() => app.authService.count('staff-logout')).toBe(1);
    expect(await stateOf(await signedInAt(app, newPassword))).toBe(works);
  });
});

it('a code does not complete a sign-in that began before a sign-out everywhere', async () => {
  const clock = createClock();
  await using app = await startApp({ now: clock.now });
  const here = app.browser();
  await here.trpc.session.verifyOtp.mutate({ challenge: await challengeIn(here), code: codeOf(app) });
  clock.advance(1_000);
  const [thief, page] = [app.browser(), app.browser()];
  const challenge = await challengeIn(thief);
  clock.advance(1_000);
  await here.trpc.session.logoutEverywhere.mutate();
  clock.advance(1_000);
  expect(await reasonOf(thief.trpc.session.verifyOtp.mutate({ challenge, code: codeOf(app) }))).toBe('session_ended');
  expect(heldBy(thief)).toEqual({ access: '', refresh: '' });
  await page.trpc.session.verifyOtp.mutate({ challenge: await challengeIn(page), code: codeOf(app) });
  expect(await stateOf(page)).toBe(works);
});

describe.skipIf(!hasRedis())('at several replicas', () => {
  it('a sign-in in progress at one of them does not outlive a change of password at the other', async () => {
    await using test = await startReplicas();
    const here = await signedInAt(test.first);
    test.clock.advance(1_000);
    const thief = test.second.browser();
    const hold = holdEndpoint(test.authService, 'staff-login');
    const signingIn = reasonOf(thief.trpc.session.login.mutate(johnsCredentials));
    await hold.held;
    test.clock.advance(1_000);
    await here.trpc.account.changePassword.mutate(change);
    hold.release();
    expect(await signingIn).toBe('session_ended');
    const again = await signedInAt(test.second, newPassword);
    expect([await stateOf(again), await stateOf(sameAt(test.first, again))]).toEqual([works, works]);
  });
});
