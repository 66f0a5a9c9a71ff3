import type { InputIssue } from '@auth-bff/shared';
import { AppError } from '../../errors.ts';
import type { UpstreamResponse } from '../transport.ts';
import { isPlainText, meaningOf, refusalTextsOf } from './refusal-texts.ts';

/** Our name of each field, by the upstream names of all calls. `password` depends on the call. */
const nameOfField: Readonly<Record<string, string>> = {
  username: 'username',
  first_name: 'firstName',
  middle_name: 'middleName',
  last_name: 'lastName',
  suffix: 'suffix',
  phone_number: 'phoneNumber',
  department: 'department',
  profile_picture: 'picture',
  email: 'email',
  old_password: 'currentPassword',
  current_password: 'currentPassword',
  new_password: 'newPassword',
  new_password_confirm: 'newPassword',
  confirm_password: 'newPassword',
  password_confirm: 'newPassword',
  otp_code: 'code',
  token: 'token',
};

/** Our own texts, for refusals whose text is not shown. */
const messageOfField: Readonly<Record<string, string>> = {
  username: 'This username is not accepted.',
  firstName: 'This first name is not accepted.',
  middleName: 'This middle name is not accepted.',
  lastName: 'This last name is not accepted.',
  suffix: 'This suffix is not accepted.',
  phoneNumber: 'This phone number is not accepted.',
  department: 'This department is not accepted.',
  picture: 'This picture is not accepted.',
  email: 'This e-mail address is not accepted.',
  currentPassword: 'The current password is wrong.',
  password: 'The current password is wrong.',
  newPassword: 'This password is not accepted. Choose another one.',
};
const unknownRefusal = 'The Auth Service refused this.';
export const wrongPassword = 'The current password is wrong.';

/** How the refusals of one call are read. */
export type RefusalRules = {
  /** Upstream names of the fields that the call sends. */
  fields: readonly string[];
  /** Our name of the field `password`, if the call sends one. */
  passwordField?: 'password' | 'newPassword';
  /** Our name of the field at which a text without a field stands, unless it tells another one. Null: the whole input. */
  defaultField: string | null;
  /** All values that the call sends. A text that repeats one of them is not shown. */
  sent: readonly string[];
};

type Verdict = 'otp_invalid' | 'reset_link_invalid' | 'no_such_person' | InputIssue;

const toNames = ({ fields, passwordField }: RefusalRules): Map<string, string> =>
  new Map(
    fields.flatMap((field): Array<[string, string]> => {
      const name = field === 'password' ? passwordField : nameOfField[field];
      return name === undefined ? [] : [[field, name]];
    }),
  );

type Reading = { rules: RefusalRules; names: ReadonlyMap<string, string> };

/** What one text means for the call. */
const toVerdict = (text: string, field: string | null, { rules, names }: Reading): Verdict => {
  const has = (name: string) => [...names.values()].includes(name);
  const shown = (path: string): InputIssue => ({
    path,
    message: isPlainText(text, rules.sent) ? text : (messageOfField[path] ?? unknownRefusal),
  });
  const own = (path: string): InputIssue => ({ path, message: messageOfField[path] ?? unknownRefusal });

  if (field === 'code') return 'otp_invalid';
  if (field === 'token') return 'reset_link_invalid';
  const meaning = meaningOf(text);
  if (field !== null) {
    const isOldPassword = field === 'currentPassword' || field === 'password';
    if (field === 'email' && meaning === 'no_such_person') return 'no_such_person';
    return isOldPassword && meaning === 'current_password' ? { path: field, message: wrongPassword } : shown(field);
  }
  if (meaning === 'second_factor_disabled') {
    return { path: 'action', message: 'The second factor is not enabled for this account.' };
  }
  if (meaning === 'no_such_person') return 'no_such_person';
  if (meaning === 'code' && has('code')) return 'otp_invalid';
  if (meaning === 'reset_link' && has('token')) return 'reset_link_invalid';
  if (meaning === 'new_password' && has('newPassword')) return shown('newPassword');
  if (meaning === 'current_password') {
    const path = ['currentPassword', 'password'].find(has);
    if (path !== undefined) return { path, message: wrongPassword };
  }
  return own(rules.defaultField ?? '');
};

/** What a refusal with texts means: a reason, or the faults of our fields. Null: the body holds no text. */
export const readRefusal = (response: UpstreamResponse, rules: RefusalRules): 'no_such_person' | AppError | null => {
  const names = toNames(rules);
  const verdicts = refusalTextsOf(response, names).map(({ field, text }) =>
    toVerdict(text, field === null ? null : (names.get(field) ?? null), { rules, names }),
  );
  const issues = verdicts.filter((verdict) => typeof verdict !== 'string');
  // An input that is wrong in another way as well must be corrected first.
  if (verdicts.includes('reset_link_invalid')) return new AppError('reset_link_invalid');
  if (issues.length === 0) {
    if (verdicts.includes('otp_invalid')) return new AppError('otp_invalid');
    return verdicts.includes('no_such_person') ? 'no_such_person' : null;
  }
  const first = issues.filter((issue, index) => issues.findIndex(({ path }) => path === issue.path) === index);
  const [only] = first;
  return new AppError('invalid_input', {
    issues: first,
    ...(first.length === 1 && only !== undefined ? { message: only.message } : {}),
  });
};

/** A refused value. `path`: our name of the field. */
export const invalidField = (path: string, message: string): AppError =>
  new AppError('invalid_input', { message, issues: [{ path, message }] });

const mayNotChange = 'You may not change this.';

/** Refuses fields that the person may not change. `paths`: our names. */
export const fieldsNotPermitted = (paths: readonly string[]): AppError =>
  new AppError('insufficient_permissions', { issues: paths.map((path) => ({ path, message: mayNotChange })) });

const namesIn = (list: string | undefined): Set<string> =>
  new Set(list?.split(/[,.\s]+/).filter((name) => /^[a-z_]{1,40}$/.test(name)));

/**
 * The refusal of a person who may not change some fields: `You can only update: … Attempted to update restricted
 * fields: …`. Null if it names none of the fields that were sent.
 */
export const readFieldPermissions = (
  response: UpstreamResponse,
  rules: Pick<RefusalRules, 'fields'>,
): AppError | null => {
  for (const { text } of refusalTextsOf(response, new Map())) {
    const restricted = namesIn(/\brestricted fields?: *([a-z_, ]+)/i.exec(text)?.[1]);
    const permitted = namesIn(/\bcan only update: *([a-z_, ]+)/i.exec(text)?.[1]);
    const refused = rules.fields.filter((field) =>
      restricted.size > 0 ? restricted.has(field) : permitted.size > 0 && !permitted.has(field),
    );
    const paths = refused.flatMap((field) => nameOfField[field] ?? []);
    if (paths.length > 0) return fieldsNotPermitted(paths);
  }
  return null;
};
