import { describe, expect, it } from 'vitest';
import { refusalToReason } from '../../../server/src/auth-service/refusal.ts';
import { cpuMsOf } from '../../support/cpu-time.ts';

const deployed = (text: string) => ({ success: false, errors: { non_field_errors: [text] } });

const wrong: Array<[string, unknown]> = [
  ['the guide', { detail: 'Invalid credentials' }],
  ['the deployed service', deployed('Invalid email or password.')],
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
  ['a count of what is left', { detail: 'Invalid credentials. 3 attempts remaining.' }],
  ['a warning', deployed('Invalid email or password. 2 attempts left before your account is locked.')],
  ['a warning of the future', deployed('Wrong password. Your account will be locked after 2 more failed attempts.')],
  ['a warning of what may be', deployed('Wrong password. Your account may be locked out.')],
  ['a warning of a lockout', { error: 'Invalid password', hint: 'You have 2 attempts before a lockout' }],
  ['flags that are off', { detail: 'Invalid credentials', captcha_required: false, locked: false, is_locked: false }],
  [
    'fields that are empty',
    { detail: 'Invalid credentials', captcha: null, locked_until: '', inactive: [], lockout: {} },
  ],
  ['a count that is 0', { detail: 'Invalid credentials', locked: 0 }],
  ['an address that says too much', { detail: 'Invalid credentials', username: 'locked.captcha@example.com' }],
  ['nothing', {}],
  ['an empty text', ''],
  ['null', null],
  ['a list', ['Invalid credentials']],
  ['unlocked', { detail: 'Invalid credentials. The door is unlocked, the clock blocks nothing.' }],
];

const lockedOut: Array<[string, unknown]> = [
  ['the guide', { detail: 'Account locked' }],
  ['the guide, inactive', { detail: 'Account inactive' }],
  ['the deployed service', deployed('Account is locked due to too many failed login attempts. Try again later.')],
  ['the deployed service, inactive', deployed('This account is inactive.')],
  ['Django', { __all__: ['This account is inactive.'] }],
  ['Django REST framework', { non_field_errors: ['User account is disabled.'] }],
  ['simplejwt', { detail: 'User is inactive', code: 'user_inactive' }],
  ['allauth', { form: { errors: ['Too many failed login attempts. Try again later.'] } }],
  ['allauth, inactive', 'This account is currently inactive.'],
  ['allauth headless', { status: 400, errors: [{ code: 'too_many_login_attempts', message: 'Try again later.' }] }],
  ['allauth, e-mail not verified', { non_field_errors: ['E-mail is not verified.'] }],
  ['axes, as text', 'Account locked: too many login attempts. Please try again later.'],
  ['axes, as text for good', 'Account locked: too many login attempts. Contact an admin to unlock your account.'],
  [
    'axes, to a script',
    { failure_limit: 5, username: 'user@example.com', cooloff_time: 'PT1H', cooloff_timedelta: '1:00' },
  ],
  ['a code', { detail: 'Forbidden', code: 'account_locked' }],
  ['a code with a hyphen', { detail: 'Forbidden', code: 'account-suspended' }],
  ['a flag that is on', { detail: 'Forbidden', is_locked: true }],
  ['a suspension', { error: 'Your account has been suspended' }],
  ['a deactivation', { error: 'This user has been deactivated.' }],
  ['not active', { error: 'User account is not active.' }],
  ['not yet activated', { error: 'Your account is not yet activated.' }],
  ['locked out', { error: 'You have been locked out' }],
  ['upper case', { error: 'ACCOUNT LOCKED' }],
  ['how to have it undone', { error: 'Your account is locked. You may contact us to have the lock removed.' }],
  ['until when', { error: 'Account locked until 10:30. It will be unlocked then.' }],
  ['no attempts left', { error: 'Account locked, 0 attempts remaining' }],
];

const captchaWanted: Array<[string, unknown]> = [
  ['the guide', { captcha_token: ['This field is required.'] }],
  ['the deployed service', deployed('Captcha verification required.')],
  ['a flag', { detail: 'Invalid credentials', captcha_required: true }],
  ['reCAPTCHA', { errors: { recaptcha: ['Error verifying reCAPTCHA, please try again.'] } }],
  ['hCaptcha', { 'h-captcha-response': ['This field is required.'] }],
  ['after too many attempts', deployed('Too many failed login attempts. Complete the CAPTCHA to go on.')],
];

describe('a refused sign-in', () => {
  it.each(wrong)('is wrong credentials: %s', (_name, body) => {
    expect(refusalToReason(body, 'bad_credentials')).toBe('bad_credentials');
  });
  it.each(lockedOut)('is a locked or inactive account: %s', (_name, body) => {
    expect(refusalToReason(body, 'bad_credentials')).toBe('account_locked');
  });
  it.each(captchaWanted)('wants a captcha: %s', (_name, body) => {
    expect(refusalToReason(body, 'bad_credentials')).toBe('captcha_required');
  });
});

describe('a refused second factor', () => {
  it.each([
    ['the guide', { error: 'Invalid OTP code.' }, 'otp_invalid'],
    ['the guide, too late', { error: 'OTP code has expired.' }, 'otp_invalid'],
    ['the deployed service', { success: false, errors: { otp_code: ['Invalid OTP code.'] } }, 'otp_invalid'],
    [
      'the deployed service, too late',
      { success: false, errors: { temporary_token: ['Invalid or expired temporary token.'] } },
      'otp_invalid',
    ],
    ['a count of what is left', { error: 'Invalid code. 2 attempts left.' }, 'otp_invalid'],
    ['a lock', { error: 'Account locked' }, 'account_locked'],
    ['too many', { error: 'Too many OTP attempts.' }, 'account_locked'],
    ['a captcha, which nobody can send here', { captcha: ['This field is required.'] }, 'otp_invalid'],
    ['nothing', '', 'otp_invalid'],
  ])('%s', (_name, body, reason) => {
    expect(refusalToReason(body, 'otp_invalid')).toBe(reason);
  });
});

describe('a body that was made to be hard to read', () => {
  it('is read no deeper than it makes sense', () => {
    let nested: unknown = 'locked';
    for (let depth = 0; depth < 100_000; depth += 1) nested = [nested];
    expect(refusalToReason(nested, 'bad_credentials')).toBe('bad_credentials');
  });

  it('is read in no time, however long it is', () => {
    for (const word of ['will ', 'too many ', 'attempts ', '@', 'a@', 'lock', '_', 'x']) {
      const detail = word.repeat(1_000_000);
      expect(cpuMsOf(() => void refusalToReason({ detail }, 'bad_credentials'))).toBeLessThan(5_000);
    }
  });
});
