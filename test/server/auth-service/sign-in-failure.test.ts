import { describe, expect, it } from 'vitest';
import { parseSignInFailure } from '../../../server/src/auth-service/sign-in-failure.ts';
import { cpuMsOf } from '../../support/measure/cpu-time.ts';

const reasonOf = (...[body, step]: Parameters<typeof parseSignInFailure>) => parseSignInFailure(body, step).reason;
const deployed = (text: string) => ({ success: false, errors: { non_field_errors: [text] } });

const wrong: Array<[string, unknown]> = [
  ['the guide', { detail: 'Invalid credentials' }],
  ['the deployed service, also for an inactive account', deployed('Invalid email or password.')],
  [
    'Django',
    { __all__: ['Please enter a correct username and password. Note that both fields may be case-sensitive.'] },
  ],
  ['Django REST framework', { non_field_errors: ['Unable to log in with provided credentials.'] }],
  ['Django REST framework, a missing field', { password: ['This field may not be blank.'] }],
  ['simplejwt', { detail: 'No active account found with the given credentials', code: 'no_active_account' }],
  ['allauth', { form: { errors: ['The email address and/or password you specified are not correct.'] } }],
  [
    'allauth headless',
    { status: 400, errors: [{ code: 'email_password_mismatch', param: 'password', message: 'Not correct.' }] },
  ],
  ['a count of remaining attempts', { detail: 'Invalid credentials. 3 attempts remaining.' }],
  ['a warning', deployed('Invalid email or password. 2 attempts left before your account is locked.')],
  [
    'a warning in the future tense',
    deployed('Wrong password. Your account will be locked after 2 more failed attempts.'),
  ],
  ['a warning with "may"', deployed('Wrong password. Your account may be locked out.')],
  ['a warning of a block', deployed('Wrong password. Your account will be disabled after 2 more failed attempts.')],
  ['a warning of a lockout', { error: 'Invalid password', hint: 'You have 2 attempts before a lockout' }],
  ['flags that are off', { detail: 'Invalid credentials', captcha_required: false, locked: false, is_locked: false }],
  ['empty fields', { detail: 'Invalid credentials', captcha: null, locked_until: '', inactive: [], lockout: {} }],
  ['a count that is 0', { detail: 'Invalid credentials', locked: 0 }],
  ['an e-mail address with trigger words', { detail: 'Invalid credentials', username: 'locked.captcha@example.com' }],
  ['nothing', {}],
  ['an empty text', ''],
  ['null', null],
  ['a list', ['Invalid credentials']],
  ['unlocked', { detail: 'Invalid credentials. The door is unlocked, the clock blocks nothing.' }],
];

const lockedOut: Array<[string, unknown]> = [
  ['the guide', { detail: 'Account locked' }],
  [
    'the deployed service, staff',
    deployed('Account is locked due to too many failed login attempts. Please try again later.'),
  ],
  [
    'the deployed service, an employee after the last attempt',
    deployed('Account locked due to too many failed login attempts. Try again in 30 minutes.'),
  ],
  ['the deployed service, an employee', deployed('Account is temporarily locked. Please try again later.')],
  ['allauth', { form: { errors: ['Too many failed login attempts. Try again later.'] } }],
  ['allauth headless', { status: 400, errors: [{ code: 'too_many_login_attempts', message: 'Try again later.' }] }],
  ['axes, as text', 'Account locked: too many login attempts. Please try again later.'],
  [
    'axes, as text for a permanent lock',
    'Account locked: too many login attempts. Contact an admin to unlock your account.',
  ],
  [
    'axes, to a script',
    { failure_limit: 5, username: 'user@example.com', cooloff_time: 'PT1H', cooloff_timedelta: '1:00' },
  ],
  ['a code', { detail: 'Forbidden', code: 'account_locked' }],
  ['a flag that is on', { detail: 'Forbidden', is_locked: true }],
  ['locked out', { error: 'You have been locked out' }],
  ['upper case', { error: 'ACCOUNT LOCKED' }],
  ['instructions to unlock', { error: 'Your account is locked. You may contact us to have the lock removed.' }],
  ['an end time', { error: 'Account locked until 10:30. It will be unlocked then.' }],
  ['no attempts left', { error: 'Account locked, 0 attempts remaining' }],
  ['a lock of an inactive account', { error: 'Account locked', is_inactive: true }],
];

const inactive: Array<[string, unknown, RegExp]> = [
  ['the guide', { detail: 'Account inactive' }, /not active/],
  ['the guide, pending', { detail: 'Account pending approval' }, /waiting for approval/],
  ['the guide, rejected', { detail: 'Account rejected' }, /was rejected/],
  [
    'the deployed service, pending staff',
    deployed('Your account is pending approval by the HDTS system administrator.'),
    /waiting for approval/,
  ],
  [
    'the deployed service, rejected staff',
    deployed('Your account has been rejected by the HDTS system administrator.'),
    /was rejected/,
  ],
  [
    'the deployed service, a pending employee',
    deployed('Your account is pending approval. Please wait for admin approval before logging in.'),
    /waiting for approval/,
  ],
  [
    'the HTML login of the deployed service',
    { detail: 'Your account is pending approval by the HDTS system administrator.' },
    /waiting for approval/,
  ],
  ['Django', { __all__: ['This account is inactive.'] }, /not active/],
  ['Django REST framework', { non_field_errors: ['User account is disabled.'] }, /not active/],
  ['simplejwt', { detail: 'User is inactive', code: 'user_inactive' }, /not active/],
  ['allauth', 'This account is currently inactive.', /not active/],
  ['allauth, e-mail not verified', { non_field_errors: ['E-mail is not verified.'] }, /not active/],
  ['a code with a hyphen', { detail: 'Forbidden', code: 'account-suspended' }, /not active/],
  ['a suspension', { error: 'Your account has been suspended' }, /not active/],
  ['a deactivation', { error: 'This user has been deactivated.' }, /not active/],
  ['not active', { error: 'User account is not active.' }, /not active/],
  ['not yet activated', { error: 'Your account is not yet activated.' }, /not active/],
  ['not yet approved', { error: 'Your registration is not yet approved.' }, /waiting for approval/],
  ['awaiting approval', { error: 'This user is awaiting approval by an admin.' }, /waiting for approval/],
];

const captchaWanted: Array<[string, unknown]> = [
  ['the guide', { captcha_token: ['This field is required.'] }],
  ['the deployed service', deployed('reCAPTCHA verification is required.')],
  ['the deployed service, refused', deployed('reCAPTCHA verification failed.')],
  ['the deployed service, not checked', deployed('Failed to verify reCAPTCHA. Please try again.')],
  ['the deployed service, null', { success: false, errors: { g_recaptcha_response: ['This field may not be null.'] } }],
  ['a flag', { detail: 'Invalid credentials', captcha_required: true }],
  ['reCAPTCHA', { errors: { recaptcha: ['Error verifying reCAPTCHA, please try again.'] } }],
  ['hCaptcha', { 'h-captcha-response': ['This field is required.'] }],
  ['after too many attempts', deployed('Too many failed login attempts. Complete the CAPTCHA to go on.')],
];

describe('parseSignInFailure for a password', () => {
  it.each(wrong)('returns bad_credentials: %s', (_name, body) => {
    expect(parseSignInFailure(body, 'password')).toEqual({ reason: 'bad_credentials' });
  });
  it.each(lockedOut)('returns account_locked: %s', (_name, body) => {
    expect(parseSignInFailure(body, 'password')).toEqual({ reason: 'account_locked' });
  });
  it.each(inactive)('returns account_inactive with the matching message: %s', (_name, body, message) => {
    expect(parseSignInFailure(body, 'password')).toEqual({
      reason: 'account_inactive',
      message: expect.stringMatching(message),
    });
  });
  it.each(captchaWanted)('returns captcha_required: %s', (_name, body) => {
    expect(parseSignInFailure(body, 'password')).toEqual({ reason: 'captcha_required' });
  });
});

describe('parseSignInFailure for a second factor', () => {
  it.each([
    ['the guide', { error: 'Invalid OTP code.' }, 'otp_invalid'],
    ['the guide, too late', { error: 'OTP code has expired.' }, 'otp_expired'],
    ['the deployed service', deployed('Invalid or expired OTP code.'), 'otp_invalid'],
    ['the deployed service, too late', deployed('Invalid or expired token.'), 'otp_expired'],
    ['the deployed service, another token', deployed('Invalid token type.'), 'otp_expired'],
    ['a field', { success: false, errors: { otp_code: ['Invalid OTP code.'] } }, 'otp_invalid'],
    ['the field of the token', { temporary_token: ['Invalid or expired temporary token.'] }, 'otp_expired'],
    [
      'an app’s code by another name',
      { detail: 'Invalid token. Please make sure you have entered it.' },
      'otp_invalid',
    ],
    ['a code that was used', { error: 'This code was already used.' }, 'otp_expired'],
    ['a count of remaining attempts', { error: 'Invalid code. 2 attempts left.' }, 'otp_invalid'],
    ['too many attempts', { error: 'Too many OTP attempts.' }, 'otp_expired'],
    ['a lock', { error: 'Account locked' }, 'account_locked'],
    ['an inactive account', { detail: 'User is inactive', code: 'user_inactive' }, 'account_inactive'],
    ['a captcha, which the BFF cannot send at this step', { captcha: ['This field is required.'] }, 'otp_invalid'],
    ['nothing', '', 'otp_invalid'],
  ])('%s', (_name, body, reason) => {
    expect(reasonOf(body, 'second_factor')).toBe(reason);
  });
});

describe('parseSignInFailure for a hostile body', () => {
  it('ignores texts below its depth limit', () => {
    let nested: unknown = 'locked';
    for (let depth = 0; depth < 100_000; depth += 1) nested = [nested];
    expect(reasonOf(nested, 'password')).toBe('bad_credentials');
  });

  it('takes little CPU time for a long body', () => {
    for (const word of [
      'will ',
      'too many ',
      'attempts ',
      'account ',
      'rejected ',
      'wait ',
      '@',
      'a@',
      'lock',
      '_',
      'x',
    ]) {
      const detail = word.repeat(1_000_000);
      for (const step of ['password', 'second_factor'] as const) {
        expect(cpuMsOf(() => void parseSignInFailure({ detail }, step))).toBeLessThan(5_000);
      }
    }
  });
});
