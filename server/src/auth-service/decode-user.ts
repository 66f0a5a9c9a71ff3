import { decode } from './decode.ts';
import type { Endpoint } from './endpoints.ts';
import { toUserRecord, type UserFields, type UserRecord, WireBulkUser } from './wire-user.ts';
import { isId, toMs } from './wire-values.ts';
import { isObject } from '../platform/is-object.ts';

type RoleEntry = NonNullable<UserFields['roles']>[number];

const isText = (value: unknown): value is string => typeof value === 'string';
const isOptionalText = (value: unknown): value is string | null | undefined =>
  value === undefined || value === null || typeof value === 'string';
const isOptionalFlag = (value: unknown): value is boolean | null | undefined =>
  value === undefined || value === null || typeof value === 'boolean';

const isRoleEntry = (value: unknown): value is RoleEntry =>
  isText(value) ||
  (isObject(value) &&
    isOptionalText(value.system) &&
    isOptionalText(value.system_slug) &&
    isOptionalText(value.role) &&
    isOptionalText(value.role_name) &&
    isOptionalFlag(value.is_active));

const isOptionalListOf =
  <Item>(isItem: (value: unknown) => value is Item) =>
  (value: unknown): value is Item[] | null | undefined =>
    value === undefined || value === null || (Array.isArray(value) && value.every(isItem));
const isOptionalNames = isOptionalListOf(isText);
const isOptionalRoles = isOptionalListOf(isRoleEntry);

/** The fields of a record in its usual form. Null for every other one, valid or not. */
const readUsualFields = (json: unknown): UserFields | null => {
  if (!isObject(json)) return null;
  const { id, email, first_name, last_name, company_id, department, position } = json;
  if (!isId(id) || !isText(email) || !isText(first_name) || !isText(last_name)) return null;
  if (!isOptionalText(company_id) || !isOptionalText(department) || !isOptionalText(position)) return null;
  const { is_active, date_joined: time, systems, roles, system_roles } = json;
  if (!isOptionalFlag(is_active) || !isOptionalText(time)) return null;
  if (!isOptionalNames(systems) || !isOptionalRoles(roles) || !isOptionalRoles(system_roles)) return null;
  const date_joined = isText(time) ? new Date(toMs(time)) : time;
  if (date_joined instanceof Date && Number.isNaN(date_joined.getTime())) return null;
  return {
    id,
    email,
    first_name,
    last_name,
    company_id,
    department,
    position,
    is_active,
    date_joined,
    systems,
    roles,
    system_roles,
  };
};

/**
 * The same as `decode` with `WireBulkUser`. It checks a record in its usual form in one pass, which is faster. The schema decodes
 * all others, so it alone decides what is an error, and describes it.
 */
export const decodeUser = (endpoint: Endpoint, json: unknown): UserRecord => {
  const fields = readUsualFields(json);
  return fields === null ? decode(endpoint, WireBulkUser, json) : toUserRecord(fields, 'bulk');
};
