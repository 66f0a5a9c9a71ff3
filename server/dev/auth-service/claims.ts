import type { Dialect } from './options.ts';
import { type Employee, fullName, type Staff, type Subject, systemsOf } from './people/people.ts';

export type RegisteredClaims = { token_type: 'access' | 'refresh'; exp: number; iat: number; jti: string };

type ClaimsOptions<Person> = { dialect: Dialect; id: number; person: Person | null; registered: RegisteredClaims };

/** Claims of a staff token. An id without a person gets a token without roles. */
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

/** Claims of an employee token. The access token in the guide has no `jti`. */
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
  // Without a jti, two refresh tokens issued within one second would be equal, and rotation would revoke both.
  return {
    ...registered,
    ...(registered.token_type === 'refresh' ? { jti } : {}),
    employee_id: id,
    user_type: 'employee',
    email,
  };
};

/** The minimal claims of the guide's access token. A refresh token also keeps the claims that rotation needs. */
export const minimalClaims = ({ type, id }: Subject, { token_type, exp, iat, jti }: RegisteredClaims) =>
  token_type === 'access'
    ? { user_id: id, user_type: type, exp, iat }
    : { token_type, user_id: id, user_type: type, exp, iat, jti };
