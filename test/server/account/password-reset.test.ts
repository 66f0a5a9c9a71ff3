import { describe, expect, it } from 'vitest';
import { reasonOf } from '../../support/app/browser.ts';
import { johnsCredentials } from '../../support/app/people.ts';
import { createClock, dialects, startApp, type StartAppOptions } from '../../support/app/start-app.ts';
import { createTimers } from '../../support/time/timers.ts';

const alice = { email: 'alice.navarro@partners.example.com', password: 'employee-pass-1' };
const people = [
  { as: 'staff', ...johnsCredentials },
  { as: 'employee', ...alice },
] as const;
const newPassword = 'a fresh pass-phrase 7';
const page = 'https://app.example.org/#/new-password';

const start = async (options: StartAppOptions = {}) => {
  const clock = createClock();
  const timers = createTimers();
  const app = await startApp({ now: clock.now, startAnswerTimer: timers.start, ...options });
  return {
    ...app,
    clock,
    /** Answers at the moment of the answer, after the Auth Service has answered. */
    request: async (input: { email: string; as: 'staff' | 'employee' }, headers: Record<string, string> = {}) => {
      const { mails } = app.authService;
      const before = mails.length;
      const answer = app.browser({ headers }).trpc.account.requestPasswordReset.mutate(input);
      await expect.poll(() => app.authService.count(`${input.as}-password-forgot`)).toBeGreaterThan(0);
      await timers.fireUntil(answer);
      return mails.slice(before);
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
};
const linkIn = (text = ''): URL => new URL(/https?:\S+/.exec(text)?.[0] ?? 'none:');

describe.each(dialects)('a forgotten password in the %s dialect', (dialect) => {
  it.each(people)('is reset by the link in the mail of a person of type $as', async ({ as, email, password }) => {
    await using test = await start({
      dialect,
      env: { PUBLIC_URL: 'http://bff.localhost', PASSWORD_RESET_URL: page },
    });
    const [mail] = await test.request({ email, as });
    const link = linkIn(mail?.text);
    expect(link.host).toBe('bff.localhost');

    // The browser opens the link, and the page reads its parameters.
    const opened = await fetch(`${test.url}${link.pathname}${link.search}`, { redirect: 'manual' });
    const location = opened.headers.get('location') ?? '';
    expect(location.startsWith(`${page}?token=`)).toBe(true);
    const parameters = new URLSearchParams(location.slice(location.lastIndexOf('?')));
    expect(parameters.get('as')).toBe(as);
    const reset = (token: string) => test.browser().trpc.account.resetPassword.mutate({ token, newPassword, as });
    await reset(parameters.get('token') ?? '');

    expect(await reasonOf(reset(parameters.get('token') ?? ''))).toBe('reset_link_invalid');
    const signIn = (typed: string) => test.browser().trpc.session.login.mutate({ as, email, password: typed });
    expect(await reasonOf(signIn(password))).toBe('bad_credentials');
    expect((await signIn(newPassword)).status).toBe('signed_in');
  });

  it('sends a link to the public address of the Auth Service without a page of a frontend, whatever the caller sends', async () => {
    await using test = await start({ dialect, env: { AUTH_SERVICE_PUBLIC_URL: 'http://auth.localhost' } });
    const forged = { 'x-forwarded-host': 'evil.example', forwarded: 'host=evil.example' };
    const [mail] = await test.request({ email: johnsCredentials.email, as: 'staff' }, forged);
    expect(linkIn(mail?.text).host).toBe('auth.localhost');
  });

  it('sends no mail to an unknown address, and answers as for a known one', async () => {
    await using test = await start({ dialect });
    expect(await test.request({ email: 'nobody@example.org', as: 'staff' })).toEqual([]);
  });
});
