import type { SystemRole, User } from '@auth-bff/shared';
import { OutputText } from './output-text.ts';
import { toByteText } from '../platform/byte-text.ts';
import { isObject } from '../platform/is-object.ts';

const isText = (value: unknown): value is string => typeof value === 'string';
const isTextOrNull = (value: unknown): value is string | null => value === null || typeof value === 'string';
const isFlagOrNull = (value: unknown): value is boolean | null => value === null || typeof value === 'boolean';
/** superjson annotates -0. */
const isPlainNumber = (value: unknown): value is number => Number.isFinite(value) && !Object.is(value, -0);
const isTimeOrNull = (value: unknown): value is Date | null =>
  value === null ||
  (value instanceof Date && Object.getPrototypeOf(value) === Date.prototype && !Number.isNaN(value.getTime()));
const isRole = (value: unknown): value is SystemRole => isObject(value) && isText(value.system) && isText(value.role);

const isListOrNull = <Item>(value: unknown, isItem: (item: unknown) => item is Item): value is Item[] | null => {
  if (value === null) return true;
  if (!Array.isArray(value)) return false;
  // `every` skips holes, which are undefined.
  for (const item of value) if (!isItem(item)) return false;
  return true;
};

/** Not every user that the schema accepts: the members may be in any order, and other members are ignored. */
const isUsualUser = (value: unknown): value is User => {
  if (!isObject(value)) return false;
  const { id, email, firstName, lastName, companyId, department, position, isActive, joinedAt } = value;
  if (!isPlainNumber(id) || !isText(email) || !isText(firstName) || !isText(lastName)) return false;
  if (!isTextOrNull(companyId) || !isTextOrNull(department) || !isTextOrNull(position)) return false;
  if (!isFlagOrNull(isActive) || !isTimeOrNull(joinedAt)) return false;
  return isListOrNull(value.systems, isText) && isListOrNull(value.roles, isRole);
};

// `JSON.stringify` takes twice as long for a user.
const needsNoEscape = /^[ !#-[\]-\ud7ff\ue000-\uffff]*$/;
const writeText = (text: string): string => (needsNoEscape.test(text) ? `"${text}"` : JSON.stringify(text));
const writeTextOrNull = (text: string | null): string => (text === null ? 'null' : writeText(text));
const writeTime = (time: Date | null): string => (time === null ? 'null' : `"${time.toJSON()}"`);
const writeRole = ({ system, role }: SystemRole): string => `{"system":${writeText(system)},"role":${writeText(role)}}`;

const writeList = <Item>(items: readonly Item[] | null, write: (item: Item) => string): string => {
  if (items === null) return 'null';
  let text = '';
  for (const item of items) text += text === '' ? write(item) : `,${write(item)}`;
  return `[${text}]`;
};

/** Members in the order of the schema. */
const writeUser = (user: User): string =>
  `{"id":${user.id},"email":${writeText(user.email)},"firstName":${writeText(user.firstName)}` +
  `,"lastName":${writeText(user.lastName)},"companyId":${writeTextOrNull(user.companyId)}` +
  `,"department":${writeTextOrNull(user.department)},"position":${writeTextOrNull(user.position)}` +
  `,"isActive":${user.isActive},"joinedAt":${writeTime(user.joinedAt)}` +
  `,"systems":${writeList(user.systems, writeText)},"roles":${writeList(user.roles, writeRole)}}`;

const [noTimes, joinedAtOnly] = [[], ['joinedAt']] as const;

/**
 * The same text as the schema and `toOutputText`. It checks and writes a user in one pass, which is faster. Null for other
 * values, which are left to the schema: it alone decides what is an error, and describes it.
 */
export const toUserText = (value: unknown): OutputText | null =>
  isUsualUser(value)
    ? new OutputText(toByteText(writeUser(value)), value.joinedAt === null ? noTimes : joinedAtOnly)
    : null;
