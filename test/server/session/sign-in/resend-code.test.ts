import { beforeEach, describe, expect, it } from 'vitest';
import { signInPeople } from '../../../../server/dev/auth-service/people/people.ts';
import { AppError } from '../../../../server/src/errors.ts';
import { errorDataOf, reasonOf } from '../../../support/app/browser.ts';
import { createClock, dialects, startApp, type TestApp } from '../../../support/app/start-app.ts';
import { createFakeAccountCalls, rightPassword } from '../../../support/auth-service/fake-account-calls.ts';
import { startReplicas } from '../../../support/processes/start-replicas.ts';
import { hasRedis } from '../../../support/redis/redis.ts';

const fake = createFakeAccountCalls();
beforeEach(() => fake.reset());

const minuteMs = 60_000;
const attemptsOf = { guide: 5, deployed: 2 };

const found = signInPeople.find(({ shows }) => shows.startsWith('Second factor'));
if (found === undefined) throw new Error('No seeded person has a second factor.');
const rafael = { email: found.email, password: found.password };

const challengeIn = async (app: TestApp): Promise<string> => {
  const answer = await app.browser().trpc.session.login.mutate(rafael);
  if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
  return answer.challenge;
};
const verify = (app: TestApp, challenge: string, code = app.authService.lastCode(rafael.email) ?? '') =>
  app
    .browser()
    .trpc.session.verifyOtp.mutate({ challenge, code })
    .then(
      ({ status }) => status as string,
      (error: { data?: { reason?: string } }) => error.data?.reason ?? 'no reason',
    );
const wrongCode = (app: TestApp) => (app.authService.lastCode(rafael.email) === '000000' ? '111111' : '000000');
const resend = (app: TestApp, challenge: string) => app.browser().trpc.session.resendOtp.mutate({ challenge });

describe.each(dialects)('session.resendOtp in the %s dialect', (dialect) => {
  const start = async () => {
    const clock = createClock();
    const app = await startApp({ dialect, now: clock.now, accountCalls: fake.calls });
    return { app, clock, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
  };

  it('returns a challenge that replaces the old one and has all of its attempts', async () => {
    await using test = await start();
    const { app } = test;
    const first = await challengeIn(app);
    for (let tried = 1; tried < attemptsOf[dialect]; tried += 1) {
      expect(await verify(app, first, wrongCode(app))).toBe('otp_invalid');
    }
    const { challenge } = await resend(app, first);
    expect(challenge).not.toBe(first);
    expect(await reasonOf(resend(app, first))).toBe('otp_expired');
    expect(await verify(app, first)).toBe('otp_expired');
    for (let tried = 1; tried < attemptsOf[dialect]; tried += 1) {
      expect(await verify(app, challenge, wrongCode(app))).toBe('otp_invalid');
    }
    expect(await verify(app, challenge, wrongCode(app))).toBe('otp_expired');
    expect(fake.count('resendCode')).toBe(1);
  });

  it('leads to a sign-in with the new challenge', async () => {
    await using test = await start();
    const { challenge } = await resend(test.app, await challengeIn(test.app));
    expect(await verify(test.app, challenge)).toBe('signed_in');
    expect(await reasonOf(resend(test.app, challenge))).toBe('otp_expired');
  });

  it('refuses a challenge that is used, used up, or none of ours, without a call of the Auth Service', async () => {
    await using test = await start();
    const { app } = test;
    const usedUp = await challengeIn(app);
    for (let tried = 0; tried < attemptsOf[dialect]; tried += 1) await verify(app, usedUp, wrongCode(app));
    const used = await challengeIn(app);
    expect(await verify(app, used)).toBe('signed_in');
    for (const challenge of [usedUp, used, 'none of ours']) {
      expect(await reasonOf(resend(app, challenge))).toBe('otp_expired');
    }
    expect(fake.count('resendCode')).toBe(0);
  });

  it('does not extend the ten minutes of a sign-in', async () => {
    await using test = await start();
    const first = await challengeIn(test.app);
    test.clock.advance(9 * minuteMs);
    const { challenge } = await resend(test.app, first);
    test.clock.advance(minuteMs);
    expect(await verify(test.app, challenge)).toBe('otp_expired');
    expect(await reasonOf(resend(test.app, challenge))).toBe('otp_expired');
  });

  it.each([
    ['auth_service_unavailable', new AppError('auth_service_unavailable', { upstream: 503 })],
    ['not_supported', new AppError('not_supported')],
  ])('that fails with %s leaves the challenge usable', async (reason, error) => {
    await using test = await start();
    const challenge = await challengeIn(test.app);
    fake.use({ resendCode: () => Promise.reject(error) });
    expect(await reasonOf(resend(test.app, challenge))).toBe(reason);
    // Another try is not refused as a double click.
    expect(await reasonOf(resend(test.app, challenge))).toBe(reason);
    expect(await verify(test.app, challenge)).toBe('signed_in');
  });

  it('sends the temporary token and the type of the person to the Auth Service, and never to the browser', async () => {
    await using test = await start();
    const given: Array<{ as: string; temporaryToken: string | null }> = [];
    fake.use({ resendCode: async (pending) => void given.push(pending) });
    const { challenge } = await resend(test.app, await challengeIn(test.app));
    const hasTemporaryToken = given.map(({ temporaryToken }) => temporaryToken?.startsWith('eyJ') === true);
    expect([given.map(({ as }) => as), hasTemporaryToken]).toEqual([['staff'], [dialect === 'deployed']]);
    expect(challenge).not.toMatch(/eyJ[\w-]+\.[\w-]+\.[\w-]+$/);
  });

  it('sends one mail for a double click, and tells the second click to wait', async () => {
    await using test = await start();
    const challenge = await challengeIn(test.app);
    let release = () => {};
    const sending = new Promise<void>((begun) => {
      fake.use({
        resendCode: () => {
          begun();
          return new Promise((resolve) => {
            release = resolve;
          });
        },
      });
    });
    const first = resend(test.app, challenge);
    await sending;
    expect(await errorDataOf(resend(test.app, challenge))).toMatchObject({
      reason: 'rate_limited',
      retryAfterSeconds: 1,
    });
    release();
    expect(await verify(test.app, (await first).challenge)).toBe('signed_in');
    expect(fake.count('resendCode')).toBe(1);
  });

  it('sends five mails in 10 minutes for an account, in all of its sign-ins together', async () => {
    await using test = await start();
    const { app } = test;
    let challenge = await challengeIn(app);
    for (let sent = 0; sent < 5; sent += 1) {
      ({ challenge } = await resend(app, sent === 3 ? await challengeIn(app) : challenge));
    }
    expect(await errorDataOf(resend(app, challenge))).toMatchObject({ reason: 'rate_limited', retryAfterSeconds: 600 });
    // The challenge is still good for the code of the last mail.
    expect(await verify(app, challenge)).toBe('signed_in');
  });

  it('does not reset the limit of wrong codes, which counts those that turn the second factor off as well', async () => {
    await using test = await start();
    const { app } = test;
    const browser = app.browser();
    const issued = await app.authService.issue({ type: 'staff', id: await idOf(app) });
    browser.holdTokens(issued);
    for (let tried = 0; tried < 9; tried += 1) {
      const call = browser.trpc.account.secondFactor.mutate({
        action: 'disable',
        password: rightPassword,
        code: '000000',
      });
      expect(await reasonOf(call)).toBe('otp_invalid');
    }
    const { challenge } = await resend(app, await challengeIn(app));
    expect(await verify(app, challenge, wrongCode(app))).toBe('otp_invalid');
    const { challenge: last } = await resend(app, challenge);
    expect(await verify(app, last)).toBe('rate_limited');
  });
});

/** The number of the person with a second factor. */
const idOf = async (app: TestApp): Promise<number> => {
  const answer = await app.browser().trpc.session.verifyOtp.mutate({
    challenge: await challengeIn(app),
    code: app.authService.lastCode(rafael.email) ?? '',
  });
  return answer.session.user.id;
};

describe.skipIf(!hasRedis())('session.resendOtp with two replicas', () => {
  it('is refused by one replica once the other one has replaced the challenge, and the new one works on both', async () => {
    await using test = await startReplicas({ accountCalls: fake.calls });
    const first = await challengeIn(test.first);
    const { challenge } = await resend(test.second, first);
    expect(await reasonOf(resend(test.first, first))).toBe('otp_expired');
    expect(await verify(test.first, first, test.authService.lastCode(rafael.email) ?? '')).toBe('otp_expired');
    expect(await verify(test.first, challenge, test.authService.lastCode(rafael.email) ?? '')).toBe('signed_in');
  });

  it('counts wrong passwords of a signed-in person on all replicas together', async () => {
    await using test = await startReplicas({ accountCalls: fake.calls });
    const tokens = await test.authService.issue({ type: 'staff', id: 1 });
    const change = (app: TestApp, currentPassword: string) => {
      const browser = app.browser();
      browser.holdTokens(tokens);
      return reasonOf(browser.trpc.account.changePassword.mutate({ currentPassword, newPassword: 'new pass-word 3' }));
    };
    for (let tried = 0; tried < 5; tried += 1) {
      expect(await change(tried % 2 === 0 ? test.first : test.second, 'wrong')).toBe('invalid_input');
    }
    expect(await change(test.first, rightPassword)).toBe('rate_limited');
    expect(await change(test.second, rightPassword)).toBe('rate_limited');
  });
});
