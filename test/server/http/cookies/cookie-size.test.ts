import { describe, expect, it } from 'vitest';
import { errorDataOf } from '../../../support/app/browser.ts';
import { createClock, dialects, signingKey, startApp } from '../../../support/app/start-app.ts';
import { staffToken } from '../../../support/token/tokens.ts';
import { johnsCredentials as credentials } from '../../../support/app/people.ts';

const manyRoles = Array.from({ length: 200 }, (_, index) => ({ system: 'TTS', role: `Role number ${index}` }) as const);

/** A token whose cookie has this many bytes, name and value together. */
const tokenOfCookieBytes = (bytes: number, nowMs: number): string => {
  const wanted = bytes - 'access_token'.length;
  for (let padding = Math.floor(wanted * 0.6); ; padding += 1) {
    // The padding grows by steps of 4 characters for 3 bytes: the rest is made up for by the number's length.
    for (const user_id of [123, '123', ' '] as const) {
      const token = staffToken(
        nowMs,
        { padding: 'x'.repeat(padding), user_id: user_id === ' ' ? 123 : user_id },
        signingKey,
      );
      if (token.length === wanted) return token;
      if (token.length > wanted + 4) throw new Error('There is no token of this length.');
    }
  }
};

describe.each(dialects)('a token too large for a browser cookie, in the %s dialect', (dialect) => {
  it('fails the sign-in, because the browser would discard the cookie and the next call would be anonymous', async () => {
    await using app = await startApp({ dialect });
    app.authService.changePerson({ type: 'staff', id: 123 }, { roles: manyRoles });
    const browser = app.browser();
    const error = await errorDataOf(browser.trpc.session.login.mutate(credentials));
    expect(error).toMatchObject({ code: 'BAD_GATEWAY', reason: 'auth_service_contract' });
    expect(error.message).toMatch(/cookie access_token \d{4,5} bytes long.* over 4096 bytes/);
    expect(browser.setCookies).toEqual([]);
    expect(app.logLines).toContainEqual(
      expect.objectContaining({ level: 50, reason: 'auth_service_contract', msg: error.message }),
    );
  });

  it('fails the refresh, and keeps the cookies', async () => {
    const clock = createClock();
    await using app = await startApp({ dialect, now: clock.now });
    const browser = app.browser();
    browser.holdTokens(await app.authService.issue({ type: 'staff', id: 123 }));
    app.authService.changePerson({ type: 'staff', id: 123 }, { roles: manyRoles });
    const error = await errorDataOf(browser.trpc.session.refresh.mutate());
    expect(error.reason).toBe('auth_service_contract');
    expect(error.message).toContain('bytes long');
    expect(browser.setCookies).toEqual([]);
  });
});

it('a token is accepted with a cookie of 4,096 bytes, and rejected with 4,097', async () => {
  const clock = createClock();
  await using app = await startApp({ dialect: 'deployed', now: clock.now });
  for (const [bytes, outcome] of [
    [4_096, 'signed_in'],
    [4_097, 'auth_service_contract'],
  ] as const) {
    const body = JSON.stringify({
      success: true,
      access_token: tokenOfCookieBytes(bytes, clock.now()),
      refresh_token: null,
    });
    app.authService.fault('staff-login', { kind: 'body', body });
    const browser = app.browser();
    const answered = await browser.trpc.session.login.mutate(credentials).then(
      ({ status }) => status,
      (error: { data: { reason: string } }) => error.data.reason,
    );
    expect(answered).toBe(outcome);
    const held = browser.cookies.get('access_token');
    expect(held === undefined ? null : 'access_token'.length + held.length).toBe(
      outcome === 'signed_in' ? bytes : null,
    );
  }
});
