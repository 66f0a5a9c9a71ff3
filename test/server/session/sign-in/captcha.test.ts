import { describe, expect, it } from 'vitest';
import { errorDataOf } from '../../../support/app/browser.ts';
import { dialects, startApp } from '../../../support/app/start-app.ts';

// The deployed service asks everybody for a captcha by default, and reads the answer from g_recaptcha_response.

const people = [
  { as: 'staff', email: 'user@example.com', password: 'staff-pass-1' },
  { as: 'employee', email: 'alice.navarro@partners.example.com', password: 'employee-pass-1' },
] as const;

describe.each(dialects)('with a captcha in the %s dialect', (dialect) => {
  it.each(people)('$as sign in with a captcha answer', async (credentials) => {
    await using app = await startApp({ dialect, authService: { captcha: 'on' } });
    const answer = await app.browser().trpc.session.login.mutate({ ...credentials, captchaToken: 'captcha-ok' });
    expect(answer).toMatchObject({ status: 'signed_in', session: { user: { type: credentials.as } } });
  });

  it.each(people)('$as without a captcha answer, or with a wrong one, get captcha_required', async (credentials) => {
    await using app = await startApp({ dialect, authService: { captcha: 'on' } });
    for (const captcha of [{}, { captchaToken: 'bought' }]) {
      const browser = app.browser();
      const data = await errorDataOf(browser.trpc.session.login.mutate({ ...credentials, ...captcha }));
      expect(data).toMatchObject({ code: 'UNAUTHORIZED', reason: 'captcha_required' });
      expect(browser.setCookies).toEqual([]);
    }
  });
});
