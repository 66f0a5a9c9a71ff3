import { type Employee, type Staff, systemsOf } from '../people/people.ts';

/** The example of the guide, which has no `is_active`. The field is present only if it is false, because round-robin lists inactive people. */
export const guideUser = (person: Staff) => ({
  id: person.id,
  email: person.email,
  first_name: person.first_name,
  last_name: person.last_name,
  company_id: person.company_id,
  systems: systemsOf(person),
  roles: person.roles,
  ...(person.is_active ? {} : { is_active: false }),
});

export const guideProfile = (person: Staff) => ({
  ...guideUser(person),
  username: person.username,
  department: person.department,
  position: person.position,
  is_active: person.is_active,
  date_joined: person.date_joined,
});

/** The fields that only the person themselves may see. The path of a picture is relative. */
const ownFields = (person: Staff | Employee) => ({
  middle_name: person.middle_name,
  suffix: person.suffix,
  phone_number: person.phone_number,
  profile_picture: person.profile_picture,
  otp_enabled: person.second_factor,
  last_login: person.last_login,
});

/** The profile that a staff user sees of themselves. */
export const guideOwnProfile = (person: Staff) => ({ ...guideProfile(person), ...ownFields(person) });

/** The public fields of an employee. Only the employee sees more. */
export const guideEmployee = (person: Employee) => ({
  id: person.id,
  email: person.email,
  first_name: person.first_name,
  last_name: person.last_name,
  status: person.status,
  created_at: person.created_at,
});

export const guideEmployeeProfile = (person: Employee) => ({
  ...guideEmployee(person),
  company_id: person.company_id,
  department: person.department,
  ...ownFields(person),
});
