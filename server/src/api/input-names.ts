/** The members of the inputs of all procedures. A list, because the schemas are built on modules that need it. */
const names: ReadonlySet<string> = new Set([
  'action',
  'as',
  'away',
  'captchaToken',
  'challenge',
  'code',
  'companyId',
  'currentPassword',
  'department',
  'email',
  'endOtherSessions',
  'exclude',
  'firstName',
  'id',
  'ids',
  'key',
  'lastEventId',
  'lastName',
  'limit',
  'middleName',
  'newPassword',
  'note',
  'password',
  'phoneNumber',
  'role',
  'suffix',
  'system',
  'token',
  'until',
  'userId',
  'username',
]);

/** In place of a name that the caller chose. */
export const hiddenName = '…';

/**
 * Whether a member of some input has this name. Errors and log lines repeat no other name, because a caller can send a
 * secret as one.
 */
export const isInputName = (name: string): boolean => names.has(name);
