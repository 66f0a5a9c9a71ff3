import { type AuthRequest, type AuthResponse, json } from '../http-messages.ts';
import type { Dependencies } from '../dependencies.ts';
import type { Employee, Subject } from '../people/people.ts';
import { checkChoice, checkFields, checkText, type FieldCheck } from './field-checks.ts';
import { formError } from './form-error.ts';
import { employeePasswordError } from './password-rules.ts';
import { readFields, readRequired } from './read-fields.ts';

const subjectOf = ({ id }: Pick<Employee, 'id'>): Subject => ({ type: 'employee', id });

const suffixes = ['Jr.', 'Sr.', 'II', 'III', 'IV', 'V'];
const departments = ['IT Department', 'Asset Department', 'Budget Department'];
/** Employees' pictures may have any size. */
const pictureRules = { maxBytes: Number.POSITIVE_INFINITY, maxPixels: Number.POSITIVE_INFINITY };

type Update = { ok: true; employee: Employee; names: string[] } | { ok: false; answer: AuthResponse };

/** What employees manage about their own account. Tokens stay valid after every change. */
export const createEmployeeAccount = ({ people, outbox, resetTokens, media }: Dependencies) => {
  const change = ({ id }: Employee, fields: Partial<Employee>): void => people.change(subjectOf({ id }), fields);

  const checksFor = ({ id }: Employee): Readonly<Record<string, FieldCheck>> => ({
    first_name: checkText({ maxLength: 150, blank: true }),
    middle_name: checkText({ maxLength: 150, blank: true }),
    last_name: checkText({ maxLength: 150, blank: true }),
    suffix: checkChoice(suffixes),
    phone_number: checkText({
      maxLength: 20,
      blank: true,
      error: (text) => {
        if (!/^(\+[1-9]\d{7,14}|09\d{9})$/.test(text)) {
          return 'Phone number must be in E.164 format or start with 09 and have 11 digits.';
        }
        const isTaken = people.employees.all().some((other) => other.id !== id && other.phone_number === text);
        return isTaken ? 'Employee with this phone number already exists.' : null;
      },
    }),
    department: checkChoice(departments),
  });

  return {
    /** `names`: the names that were sent, those of ignored fields included. */
    async update(request: AuthRequest, person: Employee): Promise<Update> {
      const read = await readFields(request);
      if (!read.ok) return read;
      const { errors, checked } = checkFields(read.fields, checksFor(person), pictureRules);
      if (Object.keys(errors).length > 0) return { ok: false, answer: json(400, errors) };
      const { picture, ...fields } = checked;
      const saved = Buffer.isBuffer(picture) ? { profile_picture: media.save('employees', picture) } : {};
      change(person, { ...fields, ...saved });
      const employee = people.employees.find(person.id) ?? person;
      return { ok: true, employee, names: Object.keys(read.fields) };
    },

    async changePassword(request: AuthRequest, person: Employee): Promise<AuthResponse> {
      const read = await readRequired(request, ['old_password', 'new_password', 'confirm_password']);
      if (!read.ok) return read.answer;
      const { old_password: old, new_password: password, confirm_password: confirmed } = read.texts;
      if (password !== confirmed) return formError('New passwords do not match.');
      if (password === old) return formError('New password must be different from old password.');
      const error = employeePasswordError(password);
      if (error !== null) return formError(error);
      if (old !== person.password) return json(400, { detail: 'Old password is incorrect' });
      change(person, { password });
      outbox.send({ to: person.email, subject: 'Password Changed', text: 'Your password was changed.' });
      return json(200, { message: 'Password changed successfully' });
    },

    async forgotPassword(request: AuthRequest): Promise<AuthResponse> {
      const read = await readRequired(request, ['email']);
      const email = read.ok ? read.texts.email.trim() : '';
      if (!/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) return json(400, { error: 'Invalid email address.' });
      const person = people.employees.byEmail(email);
      if (person?.email === email) {
        // The page at this path does not exist, neither here nor in the real service.
        const link = `http://${request.headers.host}/employees/reset-password/?token=${resetTokens.issue(subjectOf(person))}`;
        outbox.send({
          to: email,
          subject: 'Password Reset',
          text: `Set a new password: ${link}`,
          line: `Password-reset link for ${email}: ${link}`,
        });
      }
      const message = 'If an account with that email exists, you will receive password reset instructions.';
      return json(200, { success: true, message });
    },

    async resetPassword(request: AuthRequest): Promise<AuthResponse> {
      const read = await readRequired(request, ['token', 'new_password', 'confirm_password']);
      if (!read.ok) return read.answer;
      const { token, new_password: password, confirm_password: confirmed } = read.texts;
      const error = employeePasswordError(password);
      if (error !== null) return json(400, { new_password: [error] });
      if (password !== confirmed) return json(400, { confirm_password: ['Passwords do not match.'] });
      const id = resetTokens.find('employee', token);
      const person = id === null ? null : people.employees.find(id);
      if (person === null) return json(400, { token: ['Invalid or expired reset token.'] });
      resetTokens.end(token);
      change(person, { password });
      const message = 'Password reset successfully. Please log in with your new password.';
      return json(200, { success: true, message });
    },

    async setSecondFactor(request: AuthRequest, person: Employee, isEnabled: boolean): Promise<AuthResponse> {
      const read = await readRequired(request, ['password']);
      if (!read.ok) return read.answer;
      if (read.texts.password !== person.password) return json(400, { detail: 'Password is incorrect' });
      change(person, { second_factor: isEnabled });
      return json(200, { message: `2FA ${isEnabled ? 'enabled' : 'disabled'} successfully` });
    },
  };
};
