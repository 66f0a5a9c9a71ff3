import type { Dialect } from './options.ts';
import { type Employee, fullName, type Staff, type Subject, systemsOf } from './people/people.ts';

export type RegisteredClaims = { token_type: 'access' | 'refresh'; exp: number; iat: number; jti: string };

type ClaimsOptions<Person> = { dialect: Dialect; id: number; person: Person | null; registered: RegisteredClaims };

/** Claims of a staff token; somebody who is not there gets a token too, with no roles. */
export const staffClaims = ({ dialect, id, person, registered }: ClaimsOptions<Staff>) => {
  const email = person?.email ?? `staff-${id}@example.com`;
  const roles = person?.roles ?? [];
  if (dialect === 'deployed') {
    return {
      ...registered,
      user_id: id,
      email,
      username: person?.username ?? `staff-${id}`,
      full_name: person ? fullName(person) : '',
      user_type: 'staff',
      roles: roles.map(({ system, role }) => ({ system: system.toLowerCase(), role })),
    };
  }
  return {
    ...registered,
    user_id: id,
    user_type: 'staff',
    email,
    roles: [...new Set(roles.map(({ role }) => role))],
    systems: person ? systemsOf(person) : [],
  };
};

/** Claims of an employee token; the documented access token has no `jti`. */
export const employeeClaims = ({
  dialect,
  id,
  person,
  registered: { jti, ...registered },
}: ClaimsOptions<Employee>) => {
  const email = person?.email ?? `employee-${id}@example.com`;
  if (dialect === 'deployed') {
    return {
      ...registered,
      jti,
      user_id: id,
      employee_id: id,
      email,
      username: person?.username ?? `employee-${id}`,
      full_name: person ? fullName(person) : '',
      user_type: 'employee',
      roles: [{ system: 'hdts', role: 'Employee' }],
    };
  }
  // Without a jti two refresh tokens of one second would be the same token, and rotation would end both.
  return {
    ...registered,
    ...(registered.token_type === 'refresh' ? { jti } : {}),
    employee_id: id,
    user_type: 'employee',
    email,
  };
};

/** The least that the guide shows in an access token; a refresh token keeps what rotation needs. */
export const minimalClaims = ({ type, id }: Subject, { token_type, exp, iat, jti }: RegisteredClaims) =>
  token_type === 'access'
    ? { user_id: id, user_type: type, exp, iat }
    : { token_type, user_id: id, user_type: type, exp, iat, jti };
