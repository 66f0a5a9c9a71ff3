import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EndpointName } from '../../../server/dev/auth-service/auth-service.ts';
import { john, johnsCredentials } from '../../support/app/people.ts';
import { postHeaders, written } from '../../support/app/raw-request.ts';
import { dialects, startApp, type TestApp } from '../../support/app/start-app.ts';
import { atOnce } from '../../support/time/timers.ts';

/** Passwords that no pattern of a scrubber would find. */
const secrets = ['Zebra-Quartz-71', 'Walrus_Nimbus.82', 'Ocelot Granite 93'] as const;
const [one, other, third] = secrets;

const endpoints: EndpointName[] = [
  'staff-login',
  'staff-password-change',
  'staff-password-change-older',
  'staff-second-factor-enable',
  'staff-second-factor-disable',
  'staff-password-reset',
  'employee-password-reset',
  'staff-password-forgot',
  'staff-profile',
];

/** Inputs with a password where it belongs, and where it does not. */
const inputs: Array<[path: string, input: unknown]> = [
  ['session.login', { email: johnsCredentials.email, password: one }],
  ['session.login', { email: one, password: other }],
  ['session.login', { email: johnsCredentials.email, password: [one] }],
  ['session.login', { email: johnsCredentials.email, password: other, as: third }],
  ['session.resendOtp', { challenge: one }],
  ['session.verifyOtp', { challenge: one, code: other }],
  ['account.changePassword', { currentPassword: one, newPassword: other }],
  ['account.changePassword', { currentPassword: one, newPassword: other.slice(0, 0) }],
  ['account.changePassword', { currentPassword: one.repeat(100), newPassword: other.repeat(20) }],
  ['account.changePassword', { currentPassword: { [one]: one }, newPassword: [other] }],
  ['account.changePassword', { currentPassword: one, newPassword: `${other}\u0000` }],
  ['account.changePassword', { currentPassword: one, newPassword: other, endOtherSessions: third }],
  ['account.changePassword', one],
  ['account.updateProfile', { firstName: one.repeat(20) }],
  ['account.updateProfile', { suffix: one, phoneNumber: other }],
  ['account.updateProfile', { [one]: other }],
  ['account.updateProfile', { username: [one] }],
  ['account.requestPasswordReset', { email: one }],
  ['account.requestPasswordReset', { email: `${one}@example.com`, as: other }],
  ['account.resetPassword', { token: one, newPassword: other }],
  ['account.resetPassword', { token: `${one} ${third}`, newPassword: other }],
  ['account.resetPassword', { token: 'token-of-eight', newPassword: { value: other } }],
  ['account.secondFactor', { action: one, password: other }],
  ['account.secondFactor', { action: 'enable', password: one }],
  ['account.secondFactor', { action: 'enable', password: [one] }],
  ['account.secondFactor', { action: 'disable', password: one, code: other }],
  ['account.secondFactor', { action: 'disable', password: one, code: '123456' }],
];

const quoted = secrets.map((secret) => `"${secret}" (${encodeURIComponent(secret)})`).join(', ');
/** Responses of the Auth Service that quote what it was sent. */
const responses: Array<[string, number, string, string]> = [
  [
    'a refusal under the field',
    400,
    'application/json',
    JSON.stringify({ current_password: [quoted], password: [quoted] }),
  ],
  ['a refusal under no field', 400, 'application/json', JSON.stringify({ non_field_errors: [quoted], detail: quoted })],
  ['a refusal under the password as a field', 400, 'application/json', JSON.stringify({ [one]: [other] })],
  ['an error page', 500, 'text/html', `<pre>POST: ${quoted}</pre>`],
  ['an error page of a refusal', 400, 'text/html', `<pre>POST: ${quoted}</pre>`],
  ['a body that is not JSON', 200, 'application/json', `{ ${quoted}`],
  ['a success of another shape', 200, 'application/json', JSON.stringify([quoted])],
  ['a redirect', 302, 'text/html', quoted],
];

const isLeaking = (text: string): boolean =>
  secrets.some(
    (secret) =>
      text.includes(secret) || text.includes(encodeURIComponent(secret)) || text.includes(secret.slice(0, 10)),
  );

describe.each(dialects)('a password that people type, in the %s dialect,', (dialect) => {
  let app: TestApp;
  let ops: string;
  let cookie: string;
  /** Sends an input as a script would, and returns everything that comes back. */
  const send = async (path: string, input: unknown): Promise<string> => {
    const answer = await fetch(`${app.url}/trpc/${path}`, {
      method: 'POST',
      headers: { ...postHeaders, cookie },
      body: written(input),
    });
    return JSON.stringify([[...answer.headers], await answer.text()]);
  };
  beforeAll(async () => {
    app = await startApp({ dialect, startAnswerTimer: atOnce });
    ops = await app.listenOps();
    cookie = `access_token=${(await app.authService.issue(john)).access}`;
  });
  afterAll(() => app[Symbol.asyncDispose]());

  const leaksOf = async (): Promise<string[]> => {
    const metrics = await fetch(`${ops}/metrics`).then((answer) => answer.text());
    return [...app.logLines.map((line) => JSON.stringify(line)), ...metrics.split('\n')].filter(isLeaking);
  };

  it('is in no answer, log line or metric, wherever it stands in the input', async () => {
    const answers: string[] = [];
    for (const [path, input] of inputs) answers.push(await send(path, input));
    expect(answers.filter(isLeaking)).toEqual([]);
    // A path or a query is no place for a password either.
    for (const [path] of inputs) await fetch(`${app.url}/trpc/${path}?input=${encodeURIComponent(written(one))}`);
    expect(await leaksOf()).toEqual([]);
    expect(app.config.logLevel).toBe('trace');
    expect(app.logLines.length).toBeGreaterThan(inputs.length);
  });

  it.each(responses)(
    'is in no answer, log line or metric if the Auth Service quotes it in %s',
    async (_name, status, type, body) => {
      for (const endpoint of endpoints) {
        app.authService.fault(endpoint, { kind: 'status', status, body, headers: { 'content-type': type } });
      }
      const answers: string[] = [];
      for (const [path, input] of inputs) answers.push(await send(path, input));
      app.authService.clearFaults();
      expect(answers.filter(isLeaking)).toEqual([]);
      expect(await leaksOf()).toEqual([]);
    },
  );
});
