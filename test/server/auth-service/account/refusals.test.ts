import { describe, expect, it } from 'vitest';
import type { AccountCalls } from '../../../../server/src/auth-service/account/account-calls.ts';
import { type Answer, answering, employee, failureOf, staff } from './answering.ts';

const password = 'Tr0ub4dor&3';
const newPassword = 'correct horse battery';
const passwords = { currentPassword: password, newPassword };

type Call = (calls: AccountCalls) => Promise<unknown>;
const call = {
  update: (calls) => calls.updateProfile({ username: 'ana', firstName: 'Ana', phoneNumber: '123' }, staff),
  updateOne: (calls) => calls.updateProfile({ suffix: 'ZZ' }, employee),
  picture: (calls) => calls.setPicture(null, staff),
  change: (calls) => calls.changePassword(passwords, staff),
  changeEmployee: (calls) => calls.changePassword(passwords, employee),
  reset: (calls) => calls.resetPassword({ as: 'staff', token: 'a-token-of-a-link', newPassword }),
  resetEmployee: (calls) => calls.resetPassword({ as: 'employee', token: 'a-token-of-a-link', newPassword }),
  enable: (calls) => calls.enableSecondFactor(password, staff),
  enableEmployee: (calls) => calls.enableSecondFactor(password, employee),
  disable: (calls) => calls.disableSecondFactor({ password, code: '123456' }, staff),
  requestCode: (calls) => calls.requestCode(staff),
  forgot: (calls) => calls.requestPasswordReset({ as: 'staff', email: 'ana@example.com' }),
} satisfies Record<string, Call>;

const refused = (name: keyof typeof call, answer: Answer) => {
  const { calls } = answering([{ status: 400, ...answer }]);
  const run: Call = call[name];
  return failureOf(run(calls));
};

const form = (text: string) => ({ non_field_errors: [text] });
const wrong = 'The current password is wrong.';
const notAccepted = 'This password is not accepted. Choose another one.';
const disabled = 'The second factor is not enabled for this account.';

describe('a refusal of the Auth Service', () => {
  const issues: Array<[keyof typeof call, unknown, Array<[path: string, message: string]>]> = [
    [
      'update',
      { first_name: ['Too odd.'], phone_number: 'Too short.' },
      [
        ['firstName', 'Too odd.'],
        ['phoneNumber', 'Too short.'],
      ],
    ],
    ['update', { username: ['Taken.', 'Also ugly.'] }, [['username', 'Taken.']]],
    ['update', { errors: { username: ['Taken.'] }, success: false }, [['username', 'Taken.']]],
    ['update', { error: { username: [{ message: 'Taken.', code: 'unique' }] } }, [['username', 'Taken.']]],
    ['update', { detail: 'The moon is wrong.' }, [['', 'The Auth Service refused this.']]],
    ['update', { email: ['A user with this email already exists.'] }, [['', 'The Auth Service refused this.']]],
    ['updateOne', { detail: 'The moon is wrong.' }, [['suffix', 'This suffix is not accepted.']]],
    ['updateOne', { suffix: ['"ZZ" is not a valid choice.'] }, [['suffix', 'This suffix is not accepted.']]],
    ['picture', { profile_picture: ['Invalid image file.'] }, [['picture', 'Invalid image file.']]],
    ['change', { current_password: ['Current password is incorrect.'] }, [['currentPassword', wrong]]],
    ['change', { current_password: ['Enter it twice.'] }, [['currentPassword', 'Enter it twice.']]],
    ['change', { detail: 'Incorrect password.' }, [['currentPassword', wrong]]],
    ['change', { new_password: ['Password is too common.'] }, [['newPassword', 'Password is too common.']]],
    ['change', { new_password_confirm: ['Passwords do not match.'] }, [['newPassword', 'Passwords do not match.']]],
    [
      'change',
      { new_password: ['Password must not contain your username.'] },
      [['newPassword', 'Password must not contain your username.']],
    ],
    [
      'change',
      form('This password has been found in data breaches. Please choose a different password.'),
      [['newPassword', 'This password has been found in data breaches. Please choose a different password.']],
    ],
    ['change', form('The moon is wrong.'), [['newPassword', notAccepted]]],
    ['changeEmployee', { detail: 'Old password is incorrect' }, [['currentPassword', wrong]]],
    [
      'changeEmployee',
      form('New password must be different from old password.'),
      [['newPassword', 'New password must be different from old password.']],
    ],
    ['changeEmployee', form('New passwords do not match.'), [['newPassword', 'New passwords do not match.']]],
    [
      'changeEmployee',
      form('Password must be at least 8 characters long.'),
      [['newPassword', 'Password must be at least 8 characters long.']],
    ],
    [
      'reset',
      { password: ['Ensure this field has at least 8 characters.'] },
      [['newPassword', 'Ensure this field has at least 8 characters.']],
    ],
    ['reset', form('Passwords do not match'), [['newPassword', 'Passwords do not match']]],
    ['reset', form('Password is too common.'), [['newPassword', 'Password is too common.']]],
    ['resetEmployee', { confirm_password: ['Passwords do not match.'] }, [['newPassword', 'Passwords do not match.']]],
    // Texts about something that the call did not send.
    ['change', form('Invalid code'), [['newPassword', notAccepted]]],
    ['change', form('Invalid token'), [['newPassword', notAccepted]]],
    ['enable', form('New passwords do not match.'), [['password', wrong]]],
    ['enable', { password: ['Invalid password'] }, [['password', wrong]]],
    ['enableEmployee', { detail: 'Password is incorrect' }, [['password', wrong]]],
    ['disable', form('Invalid password'), [['password', wrong]]],
    ['disable', form('2FA is not enabled for this account'), [['action', disabled]]],
    ['requestCode', { error: '2FA is not enabled for this account' }, [['action', disabled]]],
    ['forgot', { email: ['Enter a valid email address.'] }, [['email', 'Enter a valid email address.']]],
    ['forgot', { error: 'Invalid email address.' }, [['email', 'This e-mail address is not accepted.']]],
  ];

  it.each(issues)('names our fields: %s %j', async (name, json, expected) => {
    expect(await refused(name, { json })).toMatchObject({
      reason: 'invalid_input',
      issues: expected.map(([path, message]) => ({ path, message })),
    });
  });

  const update = {
    middleName: 'Xq',
    lastName: 'Xw',
    suffix: 'Xr',
    phoneNumber: '17',
    department: 'Xt',
    username: 'xy',
  };
  const rows: Array<[upstream: string, ours: string, own: string, Call]> = [
    [
      'username',
      'username',
      'username',
      ({ updateProfile }) => updateProfile({ ...update, department: undefined }, staff),
    ],
    ['first_name', 'firstName', 'first name', ({ updateProfile }) => updateProfile({ firstName: 'Xf' }, employee)],
    ...(
      [
        ['middle_name', 'middleName', 'middle name'],
        ['last_name', 'lastName', 'last name'],
        ['suffix', 'suffix', 'suffix'],
        ['phone_number', 'phoneNumber', 'phone number'],
        ['department', 'department', 'department'],
      ] as const
    ).map(([upstream, ours, own]): [string, string, string, Call] => [
      upstream,
      ours,
      own,
      ({ updateProfile }) => updateProfile({ ...update, username: undefined }, employee),
    ]),
    ['profile_picture', 'picture', 'picture', call.picture],
    ['email', 'email', 'e-mail address', call.forgot],
    ['new_password', 'newPassword', 'password', call.changeEmployee],
    ['confirm_password', 'newPassword', 'password', call.changeEmployee],
    ['new_password_confirm', 'newPassword', 'password', call.change],
    ['password', 'newPassword', 'password', call.reset],
    ['password_confirm', 'newPassword', 'password', call.reset],
    ['new_password', 'newPassword', 'password', call.resetEmployee],
    ['old_password', 'currentPassword', '', call.changeEmployee],
    ['current_password', 'currentPassword', '', call.change],
    ['password', 'password', '', call.enable],
    ['password', 'password', '', call.disable],
  ];

  it.each(rows)(
    'under %s stands at %s, with its own text, or ours if that has markup',
    async (upstream, path, own, run) => {
      const issuesWith = async (text: string) => {
        const { calls } = answering([{ status: 400, json: { [upstream]: [text] } }]);
        const failure = await failureOf(run(calls));
        return failure === 'resolved' ? undefined : failure.issues;
      };
      expect(await issuesWith('The moon is odd.')).toEqual([{ path, message: 'The moon is odd.' }]);
      const message: unknown = expect.stringContaining(own === '' ? wrong : `This ${own} is not accepted.`);
      expect(await issuesWith('The <b>moon</b> is odd.')).toEqual([{ path, message }]);
    },
  );

  it.each([
    ['reset', form('Invalid or expired reset token'), 'reset_link_invalid'],
    ['resetEmployee', { token: ['Invalid or expired reset token.'] }, 'reset_link_invalid'],
    ['resetEmployee', { token: ['Expired.'], new_password: ['Too odd.'] }, 'reset_link_invalid'],
    ['disable', form('Invalid or expired OTP code'), 'otp_invalid'],
    ['disable', { otp_code: ['Ensure this field has no more than 6 characters.'] }, 'otp_invalid'],
  ] as const)('has a reason of its own: %s %j', async (name, json, reason) => {
    expect(await refused(name, { json })).toMatchObject({ reason, issues: undefined });
  });

  it('names the fields that the person may not change, and only those that were sent', async () => {
    const detail = (text: string) =>
      refused('update', { status: 403, json: { error: 'Permission denied', detail: text } });
    const paths = async (text: string) => {
      const failure = await detail(text);
      return failure === 'resolved' ? failure : [failure.reason, failure.issues?.map(({ path }) => path)];
    };
    const only = 'You can only update: phone_number, profile_picture, username.';
    expect(await paths(`${only} Attempted to update restricted fields: first_name, is_staff`)).toEqual([
      'insufficient_permissions',
      ['firstName'],
    ]);
    expect(await paths(only)).toEqual(['insufficient_permissions', ['firstName']]);
    expect(await paths('You do not have permission to perform this action.')).toEqual([
      'insufficient_permissions',
      undefined,
    ]);
  });

  it('does not tell who has an account', async () => {
    const texts = [
      { error: 'User not found' },
      { email: ['Employee with this email does not exist.'] },
      { detail: 'No account with this e-mail address.' },
    ];
    expect(await Promise.all(texts.map((json) => refused('forgot', { json })))).toEqual(texts.map(() => 'resolved'));
    expect(await refused('forgot', { status: 404, json: { error: 'User not found' } })).toBe('resolved');
  });

  it.each([
    ['repeats the new password', `Your password ${newPassword} is too common.`],
    ['repeats the new password in capitals', `YOUR PASSWORD ${newPassword.toUpperCase()} IS TOO COMMON.`],
    ['repeats the old password', `Not ${password} again.`],
    ['repeats the token', 'Not with token-of-staff.'],
    ['has an e-mail address', 'Ask admin@example.com for a password.'],
    ['has markup', 'Password is <b>too</b> common.'],
    ['has an entity', 'Password is &lt;too&gt; common.'],
    ['has an address', 'Reset it at https://evil.example'],
    ['has two lines', 'Password is\ntoo common.'],
    ['changes its direction', 'Password is \u202Ecommon.'],
    ['is long', 'Password is too common. '.repeat(20)],
  ])('with a text that %s is told in our words', async (_name, text) => {
    const told = {
      reason: 'invalid_input',
      message: notAccepted,
      issues: [{ path: 'newPassword', message: notAccepted }],
    };
    expect(await refused('change', { json: { new_password: [text] } })).toEqual(told);
    expect(await refused('change', { json: form(text) })).toMatchObject({
      issues: [{ message: expect.not.stringContaining(text) }],
    });
  });

  const nested = (depth: number): unknown => (depth === 0 ? 'Taken.' : { errors: [nested(depth - 1)] });
  it.each([
    ['a page', { body: '<h1>Bad Request</h1>', contentType: 'text/html' }],
    ['no body', { body: '' }],
    ['no JSON', { body: '{"username": [' }],
    ['a number', { json: 7 }],
    ['null', { json: null }],
    ['an empty object', { json: {} }],
    ['flags only', { json: { username: true, success: false, code: 'invalid' } }],
    ['texts in too many levels', { json: nested(1_000) }],
    ['an empty text', { json: { username: ['  '] } }],
  ] satisfies Array<[string, Answer]>)('with %s is an unexpected response', async (_name, answer) => {
    expect(await refused('update', answer)).toMatchObject({
      reason: 'auth_service_contract',
      message: expect.stringContaining('staff-profile-update'),
    });
  });

  it('with very many fields and texts names each field once', async () => {
    const many = Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`field_${index}`, ['Odd.']]));
    const texts = Array.from({ length: 100_000 }, () => 'Taken.');
    const failure = await refused('update', {
      json: { username: texts, ...many, ['__proto__']: 'x', constructor: 'y' },
    });
    expect(failure).toMatchObject({ issues: [{ path: 'username', message: 'Taken.' }] });
  });

  it.each([
    [
      'a refusal with 200',
      { status: 200, json: { success: false, errors: form('Invalid password') } },
      'invalid_input',
    ],
    ['a page with 200', { status: 200, body: '<h1>Sign in</h1>', contentType: 'text/html' }, 'auth_service_contract'],
    ['401', { status: 401, json: { detail: 'Token has expired' } }, 'session_ended'],
    ['a redirect', { status: 302, location: '/staff/login/' }, 'session_ended'],
    ['403', { status: 403, json: { detail: 'You do not have permission.' } }, 'insufficient_permissions'],
    ['404', { status: 404, json: { detail: 'Not found.' } }, 'not_supported'],
    ['404 with a page', { status: 404, body: '<h1>Not Found</h1>', contentType: 'text/html' }, 'not_supported'],
    ['404 about the person', { status: 404, json: { error: 'User not found' } }, 'user_not_found'],
    ['405', { status: 405, json: { detail: 'Method "POST" not allowed.' } }, 'not_supported'],
    [
      '500',
      { status: 500, json: { error: 'Failed to send email. Please try again later.' } },
      'auth_service_unavailable',
    ],
    ['429', { status: 429 }, 'auth_service_unavailable'],
  ] satisfies Array<[string, Answer, string]>)(
    'by %s has the reason that the status means',
    async (_name, answer, reason) => {
      expect(await refused('enable', answer)).toMatchObject({ reason });
    },
  );

  it.each([
    ['a redirect to the login page', { status: 302, location: '/staff/login/' }, 'not_supported'],
    [
      'a redirect to the same path',
      { status: 301, location: 'https://x.example/api/v1/users/password/reset/' },
      'auth_service_contract',
    ],
    ['401', { status: 401, json: { detail: 'Sign in.' } }, 'auth_service_contract'],
    ['403', { status: 403, body: 'CSRF', contentType: 'text/html' }, 'auth_service_contract'],
    ['204', { status: 204 }, undefined],
  ] satisfies Array<[string, Answer, string | undefined]>)(
    'without a token sent, %s ends no session',
    async (_name, answer, reason) => {
      const failure = await refused('reset', answer);
      expect(failure === 'resolved' ? undefined : failure.reason).toBe(reason);
    },
  );
});

describe('a new code during a sign-in', () => {
  const resend = (answer: Answer, temporaryToken: string | null = 'temporary', as: 'staff' | 'employee' = 'staff') => {
    const { calls, requests } = answering([answer]);
    return failureOf(calls.resendCode({ as, temporaryToken })).then((failure) => ({ failure, requests }));
  };

  it('is requested with the temporary token as the access token', async () => {
    const { failure, requests } = await resend({ json: { message: 'OTP sent to your email address' } });
    expect(failure).toBe('resolved');
    expect(requests[0]?.request).toMatchObject({ accessToken: 'temporary' });
    expect(requests[0]?.request.person).toBeUndefined();
  });

  it.each([
    ['a redirect', { status: 302, location: '/staff/login/' }, 'otp_expired'],
    ['401', { status: 401 }, 'otp_expired'],
    [
      'a disabled second factor',
      { status: 400, json: { error: '2FA is not enabled for this account' } },
      'otp_expired',
    ],
    ['the page of a proxy', { status: 400, body: '<h1>', contentType: 'text/html' }, 'auth_service_contract'],
    ['404', { status: 404 }, 'not_supported'],
    ['500', { status: 500 }, 'auth_service_unavailable'],
  ] satisfies Array<[string, Answer, string]>)('fails with the right reason for %s', async (_name, answer, reason) => {
    expect((await resend(answer)).failure).toMatchObject({ reason });
  });

  it('is not supported without a temporary token and for employees, and nothing is sent', async () => {
    for (const [token, as] of [
      [null, 'staff'],
      ['temporary', 'employee'],
    ] as const) {
      // oxlint-disable-next-line no-await-in-loop -- two calls
      const { failure, requests } = await resend({}, token, as);
      expect(failure).toMatchObject({
        reason: 'not_supported',
        message: expect.stringContaining('POST /api/v1/users/2fa/'),
      });
      expect(requests).toEqual([]);
    }
  });
});
