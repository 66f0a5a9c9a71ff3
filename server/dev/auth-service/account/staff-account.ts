import { type AuthRequest, type AuthResponse, html, json } from '../http-messages.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Staff, Subject } from '../people/people.ts';
import { checkFields, checkText, type FieldCheck } from './field-checks.ts';
import { formError } from './form-error.ts';
import { staffPasswordError } from './password-rules.ts';
import { type Fields, readFields, readRequired } from './read-fields.ts';

const subjectOf = ({ id }: Pick<Staff, 'id'>): Subject => ({ type: 'staff', id });

const pictureRules = { maxBytes: 2 * 1024 * 1024, maxPixels: 1024 };
/** The fields that everybody may change. */
const openFields = ['phone_number', 'profile_picture', 'username'];

export type StaffAccountOptions = Dependencies & {
  /** Whether people without `is_staff` may change the open fields only. */
  restrictsFields: boolean;
};

/** What staff manage about their own account. Tokens stay valid after every change. */
export const createStaffAccount = (options: StaffAccountOptions) => {
  const { people, secondFactor, outbox, resetTokens, media, restrictsFields } = options;
  const change = (id: number, fields: Partial<Staff>): void => people.change(subjectOf({ id }), fields);

  const isTaken = (id: number, field: 'email' | 'username', text: string): boolean =>
    people.staff.all().some((other) => other.id !== id && other[field]?.toLowerCase() === text.toLowerCase());

  const checksFor = ({ id }: Staff): Readonly<Record<string, FieldCheck>> => ({
    email: checkText({
      maxLength: 254,
      error: (text) => {
        if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(text)) return 'Enter a valid email address.';
        return isTaken(id, 'email', text) ? 'A user with this email already exists.' : null;
      },
    }),
    username: checkText({
      maxLength: 150,
      nullable: true,
      error: (text) => (isTaken(id, 'username', text) ? 'A user with this username already exists.' : null),
    }),
    first_name: checkText({ maxLength: 150 }),
    middle_name: checkText({ maxLength: 150, nullable: true }),
    last_name: checkText({ maxLength: 150 }),
    suffix: checkText({ maxLength: 10, nullable: true }),
    phone_number: checkText({
      maxLength: 20,
      nullable: true,
      error: (text) =>
        /^\+[1-9]\d{7,14}$/.test(text)
          ? null
          : 'Phone number must be in E.164 format (e.g., +15551234567). Ensure country code is included.',
    }),
  });

  const check = (person: Staff, fields: Fields) => {
    const { errors, checked } = checkFields(fields, checksFor(person), pictureRules);
    if (typeof fields.otp_enabled === 'boolean') checked.second_factor = fields.otp_enabled;
    return { errors, checked };
  };

  return {
    /** Changes the fields of a request, or returns the error response. Null: changed. */
    async update(request: AuthRequest, person: Staff): Promise<AuthResponse | null> {
      const read = await readFields(request);
      if (!read.ok) return read.answer;
      const isRestricted = restrictsFields && !person.is_staff && !person.is_superuser;
      const refused = Object.keys(read.fields).filter((name) => !openFields.includes(name));
      if (isRestricted && refused.length > 0) {
        const detail = `You can only update: ${openFields.join(', ')}. Attempted to update restricted fields: ${refused.join(', ')}`;
        return json(403, { error: 'Permission denied', detail });
      }
      const { errors, checked } = check(person, read.fields);
      if (Object.keys(errors).length > 0) return json(400, errors);
      const { picture, ...fields } = checked;
      const saved = Buffer.isBuffer(picture) ? { profile_picture: media.save('profile_pics', picture) } : {};
      change(person.id, { ...fields, ...saved });
      return null;
    },

    /** `asksForBreaches`: the endpoint that also confirms the password. */
    async changePassword(request: AuthRequest, person: Staff, asksForBreaches: boolean): Promise<AuthResponse> {
      const names = ['current_password', 'new_password', ...(asksForBreaches ? ['new_password_confirm'] : [])];
      const read = await readRequired(request, names);
      if (!read.ok) return read.answer;
      const { current_password: current, new_password: password = '', new_password_confirm: confirmed } = read.texts;
      if (current !== person.password) return json(400, { current_password: ['Current password is incorrect.'] });
      if (asksForBreaches && confirmed !== password) {
        return json(400, { new_password_confirm: ['Passwords do not match.'] });
      }
      const error = staffPasswordError(password, person, asksForBreaches);
      if (error !== null) return json(400, { new_password: [error] });
      change(person.id, { password });
      return json(200, {
        detail: asksForBreaches ? 'Password reset successful.' : 'Password changed successfully.',
      });
    },

    async forgotPassword(request: AuthRequest): Promise<AuthResponse> {
      const read = await readRequired(request, ['email']);
      if (!read.ok) return read.answer;
      const email = read.texts.email.trim();
      if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) return json(400, { email: ['Enter a valid email address.'] });
      const person = people.staff.byEmail(email);
      if (person?.email === email && person.is_active) {
        const link = `http://${request.headers.host}/api/v1/users/password/reset?token=${resetTokens.issue(subjectOf(person))}`;
        outbox.send({
          to: email,
          subject: 'Password Reset',
          text: `Set a new password: ${link}`,
          line: `Password-reset link for ${email}: ${link}`,
        });
      }
      return json(200, { message: 'If an account with that email exists, a password reset link has been sent.' });
    },

    async resetPassword(request: AuthRequest): Promise<AuthResponse> {
      const read = await readRequired(request, ['token', 'password', 'password_confirm']);
      if (!read.ok) return read.answer;
      const { token, password, password_confirm: confirmed } = read.texts;
      if (password.length < 8) return json(400, { password: ['Ensure this field has at least 8 characters.'] });
      if (password !== confirmed) return formError('Passwords do not match');
      const id = resetTokens.find('staff', token);
      const person = id === null ? null : people.staff.find(id);
      if (person === null) return formError('Invalid or expired reset token');
      const error = staffPasswordError(password, person, true);
      if (error !== null) return formError(error);
      resetTokens.end(token);
      secondFactor.end(subjectOf(person));
      change(person.id, { password });
      const message = 'Password has been reset successfully. You can now log in with your new password.';
      return json(200, { success: true, message });
    },

    resetPage: (): AuthResponse => html(200, 'Reset your password'),

    async enableSecondFactor(request: AuthRequest, person: Staff): Promise<AuthResponse> {
      const read = await readRequired(request, ['password']);
      if (!read.ok) return read.answer;
      if (read.texts.password !== person.password) return json(400, { password: ['Invalid password'] });
      change(person.id, { second_factor: true });
      return json(200, { message: '2FA enabled successfully' });
    },

    async disableSecondFactor(request: AuthRequest, person: Staff): Promise<AuthResponse> {
      const read = await readRequired(request, ['password', 'otp_code']);
      if (!read.ok) return read.answer;
      const { password, otp_code: code } = read.texts;
      if (code.length > 6) return json(400, { otp_code: ['Ensure this field has no more than 6 characters.'] });
      if (password !== person.password) return formError('Invalid password');
      if (!person.second_factor) return formError('2FA is not enabled for this account');
      if (secondFactor.redeem(subjectOf(person), code) !== 'ok') return formError('Invalid or expired OTP code');
      change(person.id, { second_factor: false });
      return json(200, { message: '2FA disabled successfully' });
    },

    sendCode(person: Staff): AuthResponse {
      if (!person.second_factor) return json(400, { error: '2FA is not enabled for this account' });
      secondFactor.send(subjectOf(person), person.email);
      return json(200, { message: 'OTP sent to your email address', expires_in_minutes: 5 });
    },
  };
};
