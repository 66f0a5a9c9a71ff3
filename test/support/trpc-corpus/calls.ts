import { appRouter } from '../../../server/src/api/router.ts';
import { postHeaders, type RawRequest, written } from '../app/raw-request.ts';
import type { Answerer, Case } from '../app/reference-pair.ts';

const password = 'staff-pass-1';
export const technicians = { system: 'TTS', role: 'Technician' };

/** The inputs of each procedure: first valid inputs, then invalid ones. */
export const inputsOf: Readonly<Record<string, readonly unknown[]>> = {
  'session.current': [undefined, { id: 1 }],
  'session.me': [undefined, { id: 1 }],
  'session.login': [
    { email: 'user@example.com', password },
    { email: ' Ethan.Caldwell@Example.com ', password, as: 'staff' },
    { email: 'alice.navarro@partners.example.com', password: 'employee-pass-1', as: 'employee' },
    { email: 'alice.navarro@partners.example.com', password },
    { email: 'rafael.domingo@example.com', password },
    { email: 'beatrice.lang@example.com', password },
    { email: 'oluwaseun.adeyemi@example.com', password },
    { email: 'hana.kobayashi@example.com', password },
    { email: 'hana.kobayashi@example.com', password, captchaToken: 'captcha-ok' },
    { email: 'user@example.com', password: 'wrong' },
    { email: 'nobody@example.com', password, as: 'somebody' },
    { email: '', password: '' },
    { email: 'user@example.com', password: '\ud800' },
    { email: 5 },
  ],
  'session.verifyOtp': [
    { challenge: 'x', code: '123456' },
    { challenge: 'x', code: '!' },
  ],
  'session.resendOtp': [{ challenge: 'x' }, { challenge: '' }],
  'session.refresh': [undefined, { id: 1 }],
  'session.logout': [undefined, { id: 1 }],
  'session.validate': [undefined],
  'account.profile': [undefined],
  'account.updateProfile': [
    { username: 'another-name' },
    { firstName: 'Ana', department: 'IT Department' },
    { phoneNumber: null },
    { firstName: '' },
    {},
    { nickname: 'x' },
  ],
  // With the right password it would end the sessions of the next cases.
  'account.changePassword': [
    { currentPassword: 'wrong-pass-1', newPassword: 'another-pass-2', endOtherSessions: false },
    { currentPassword: '', newPassword: 'short' },
  ],
  // A valid request goes on after its answer, for a time that differs.
  'account.requestPasswordReset': [{ email: 'nobody' }, { email: 'a@b.example', as: 'x' }],
  'account.resetPassword': [
    { token: 'none-of-ours', newPassword: 'another-pass-2' },
    { token: 'none-of-ours', newPassword: 'another-pass-2', as: 'employee' },
    { token: '!', newPassword: '' },
  ],
  'account.secondFactor': [
    { action: 'requestCode' },
    { action: 'enable', password: 'wrong-pass-1' },
    { action: 'disable', password: 'wrong-pass-1' },
    { action: 'erase' },
  ],
  'users.me': [undefined, 7],
  'users.byId': [
    { id: 5 },
    { id: 123, more: 'than asked' },
    { id: 999_999 },
    { id: 0 },
    { id: -1 },
    { id: 1.5 },
    { id: '5' },
    { id: Number.NaN },
    { id: Number.POSITIVE_INFINITY },
    { id: 2 ** 53 },
    { id: 5n },
    { id: new Date(5) },
    { id: undefined },
    { id: null },
  ],
  'users.byIds': [
    { ids: [1, 5, 12, 23, 999_999] },
    { ids: [5, 5, 5] },
    { ids: [] },
    { ids: [1, '2', null, undefined, -1, 1.5, {}] },
    { ids: Array.from({ length: 30 }, () => 'x') },
    { ids: Array.from({ length: 501 }, (_, index) => index + 1) },
    { ids: new Set([1]) },
  ],
  'users.byCompanyId': [
    { companyId: 'MA0186' },
    { companyId: ' ma0186 ' },
    { companyId: 'MA9999' },
    { companyId: '../1' },
  ],
  'users.byRole': [
    technicians,
    { system: 'tts', role: 'None' },
    { system: 'AMS', role: 'User' },
    { system: 'T/S', role: '' },
    { system: 'TTS', role: 'Technician\0' },
    { system: 'TTS', role: '\ud800' },
  ],
  'employees.byId': [{ id: 1 }, { id: 2 }, { id: 999_999 }, { id: 'Zoë \u2028 😀' }],
  'assignments.candidates': [technicians, { system: 'HDTS', role: 'Agent' }, { system: 'TTS' }],
  'assignments.next': [
    technicians,
    { ...technicians, key: 'T-1' },
    { ...technicians, key: 'T-1', exclude: [1] },
    { ...technicians, exclude: [1, 5, 12, 23, 31, 123] },
    { ...technicians, key: '' },
    { system: 'HDTS', role: 'Agent' },
  ],
  'assignments.peek': [technicians, { ...technicians, exclude: [1] }, { ...technicians, exclude: 'none' }],
  'assignments.reassign': [
    { ...technicians, key: 'unknown' },
    { ...technicians, key: 'unknown', exclude: [1] },
    technicians,
    { system: 'HDTS', role: 'Agent', key: 'unknown' },
  ],
  'assignments.rotation': [technicians, { system: 'HDTS', role: 'Agent' }, { role: 'Technician' }],
  'assignments.history': [
    { system: 'TTS', role: 'Astronaut' },
    { system: 'TTS', role: 'Astronaut', limit: 0 },
    { system: 'TTS', role: 'Astronaut', limit: '5' },
  ],
  'assignments.setAvailability': [
    { system: 'TTS', away: false },
    { system: 'TTS', away: false, note: 'x', until: 'today' },
    { system: 'TTS', away: true, note: 'a\nb' },
    { system: 'TTS', away: true, userId: 1 },
    { system: 'HDTS', away: true },
  ],
  'assignments.reset': [technicians, { system: 'HDTS', role: 'Agent' }, { system: 'TTS' }],
  'status.get': [undefined, { json: 1 }],
};

type ProcedureType = 'query' | 'mutation' | 'subscription';

/** The type of each existing query and mutation, by path. Subscriptions have tests of their own: their answers do not end. */
export const procedures: Readonly<Record<string, 'query' | 'mutation'>> = Object.fromEntries(
  Object.entries(appRouter._def.procedures as unknown as Record<string, { _def: { type: ProcedureType } }>).flatMap(
    ([
      path,
      {
        _def: { type },
      },
    ]) => (type === 'subscription' ? [] : [[path, type] as const]),
  ),
);

/** An assignment with a key, which is idempotent, so that one difference causes no others. */
export const turn = { ...technicians, key: 'T-7' };

/** The input of a mutation, in a body. */
export const rotation = written(turn);

/** A call by GET. `before`: query parameters that precede the input. */
export const queryOf = (path: string, input?: string, before = ''): RawRequest => {
  const query = input === undefined ? before.replace(/&$/, '') : `${before}input=${encodeURIComponent(input)}`;
  return { target: `/trpc/${path}${query === '' ? '' : `?${query}`}` };
};

/** A call by POST with the headers of the client package. */
export const postOf = (
  path: string,
  body: RawRequest['body'] = '',
  headers: RawRequest['headers'] = {},
): RawRequest => ({
  method: 'POST',
  target: `/trpc/${path}`,
  headers: { ...postHeaders, ...headers },
  body,
});

export type Asked = [name: string, request: Case['request']];

/** Cases with the same caller, the staff user, the same expected handler, and the same text under test, if any. */
export const asStaff = (by: Answerer | null, requests: readonly Asked[], text?: string): Case[] =>
  requests.map(([name, request]) => ({ name, as: 'staff', request, by, ...(text === undefined ? {} : { text }) }));

/** The inputs of a batch. */
export const inputsText = (inputs: readonly unknown[]): string =>
  `{${inputs.map((input, index) => `"${index}":${written(input)}`).join(',')}}`;

/** The input of a query in a URL: one input, and the inputs of a batch of two. */
export const good = encodeURIComponent(written({ id: 5 }));
export const both = encodeURIComponent(inputsText([{ id: 5 }, { id: 12 }]));
