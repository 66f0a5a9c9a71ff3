import { describe, expect, it } from 'vitest';
import { signInPeople } from '../../../../server/dev/auth-service/people/people.ts';
import { errorDataOf, reasonOf } from '../../../support/app/browser.ts';
import { createClock, startApp, type TestApp } from '../../../support/app/start-app.ts';
import { startReplicas } from '../../../support/processes/start-replicas.ts';
import { hasRedis } from '../../../support/redis/redis.ts';

const found = signInPeople.find(({ shows }) => shows.startsWith('Second factor'));
if (found === undefined) throw new Error('No seeded person has a second factor.');
const rafael = { email: found.email, password: found.password };

type SignIn = Pick<TestApp, 'authService' | 'browser'>;

/** Signs in up to the code, and returns the challenge and the code of the mail. */
const startSignIn = async ({ authService, browser }: SignIn): Promise<{ challenge: string; code: string }> => {
  const answer = await browser().trpc.session.login.mutate(rafael);
  if (answer.status !== 'otp_required') throw new Error('Expected a challenge.');
  return { challenge: answer.challenge, code: authService.lastCode(rafael.email) ?? '' };
};

const resend = ({ browser }: SignIn, challenge: string) => browser().trpc.session.resendOtp.mutate({ challenge });

/** Has a new code sent. Its code differs from the first one: they are random, and rarely equal. */
const resendAnother = async (app: SignIn, first: { challenge: string; code: string }) => {
  for (let { challenge } = first; ; ) {
    ({ challenge } = await resend(app, challenge));
    const code = app.authService.lastCode(rafael.email) ?? '';
    if (code !== first.code) return { challenge, code };
  }
};

const verify = ({ browser }: SignIn, challenge: string, code: string): Promise<string> => {
  const call = browser().trpc.session.verifyOtp.mutate({ challenge, code });
  return call.then(
    ({ status }) => status,
    () => reasonOf(call),
  );
};
const codeMails = ({ authService }: SignIn) => authService.mails.filter(({ to }) => to === rafael.email);

describe('session.resendOtp in front of the deployed service', () => {
  it('has a second mail sent, whose code signs in, and the code of the first mail does not', async () => {
    await using app = await startApp({ dialect: 'deployed' });
    const first = await startSignIn(app);
    const second = await resendAnother(app, first);
    expect(codeMails(app).at(-1)?.text).toContain(second.code);
    expect(codeMails(app).length).toBeGreaterThanOrEqual(2);
    expect(await verify(app, second.challenge, first.code)).toBe('otp_invalid');
    expect(await verify(app, second.challenge, second.code)).toBe('signed_in');
    expect(await reasonOf(resend(app, second.challenge))).toBe('otp_expired');
  });

  it('sends nothing once the temporary token has expired, and tells the person to sign in again', async () => {
    const clock = createClock();
    await using app = await startApp({ dialect: 'deployed', now: clock.now });
    const { challenge } = await startSignIn(app);
    const sent = codeMails(app).length;
    clock.advance(5 * 60_000 + 1_000);
    expect(await reasonOf(resend(app, challenge))).toBe('otp_expired');
    expect(codeMails(app)).toHaveLength(sent);
  });
});

describe('session.resendOtp in front of the guide', () => {
  it('is not_supported, sends no mail, and leaves the challenge and its code valid', async () => {
    await using app = await startApp({ dialect: 'guide' });
    const { challenge, code } = await startSignIn(app);
    const sent = codeMails(app).length;
    const error = await errorDataOf(resend(app, challenge));
    expect(error).toMatchObject({ reason: 'not_supported', httpStatus: 501 });
    expect(codeMails(app)).toHaveLength(sent);
    expect(await verify(app, challenge, code)).toBe('signed_in');
  });
});

describe.skipIf(!hasRedis())('session.resendOtp with two replicas in front of the deployed service', () => {
  it('replaces the code and the challenge for both replicas', async () => {
    await using test = await startReplicas({ dialect: 'deployed' });
    const [one, other] = [test.first, test.second];
    const first = await startSignIn(one);
    const second = await resendAnother(other, first);
    for (const app of [one, other]) {
      expect(await verify(app, first.challenge, second.code)).toBe('otp_expired');
      expect(await reasonOf(resend(app, first.challenge))).toBe('otp_expired');
    }
    expect(await verify(one, second.challenge, first.code)).toBe('otp_invalid');
    expect(await verify(one, second.challenge, second.code)).toBe('signed_in');
    expect(await verify(other, second.challenge, second.code)).toBe('otp_expired');
  });
});
