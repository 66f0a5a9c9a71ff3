import type { PersonType, UpdateProfileInput } from '@auth-bff/shared';

type Field = keyof UpdateProfileInput;

const upstreamNameOf: Readonly<Record<Field, string>> = {
  username: 'username',
  firstName: 'first_name',
  middleName: 'middle_name',
  lastName: 'last_name',
  suffix: 'suffix',
  phoneNumber: 'phone_number',
  department: 'department',
};

/** Fields that the deployed service ignores without a word: nobody of this type may change them. */
const ignoredBy: Readonly<Record<PersonType, ReadonlySet<string>>> = {
  staff: new Set(['department']),
  employee: new Set(['username']),
};

/**
 * The fields to change by their upstream names. `notPermitted`: our names of those that the service would ignore. Staff
 * clear a value by null, employees by an empty text.
 */
export const toUpstreamChanges = (
  changes: UpdateProfileInput,
  type: PersonType,
): { json: Record<string, string | null>; notPermitted: Field[] } => {
  const cleared = type === 'staff' ? null : '';
  const json: Record<string, string | null> = {};
  const notPermitted: Field[] = [];
  for (const [field, upstreamName] of Object.entries(upstreamNameOf) as Array<[Field, string]>) {
    const value = changes[field];
    if (value === undefined) continue;
    if (ignoredBy[type].has(field)) notPermitted.push(field);
    json[upstreamName] = value === null || value === '' ? cleared : value;
  }
  return { json, notPermitted };
};
