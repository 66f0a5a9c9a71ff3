import { type Employee, type Staff, systemsOf } from '../people/people.ts';

/** The guide's example. It has no `is_active`; that is told only where it is false, as round-robin lists the inactive too. */
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

/** All that anybody but the employee gets to see. */
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
  phone_number: person.phone_number,
});
