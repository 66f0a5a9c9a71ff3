import { type Employee, type EmployeeStatus, fullName, type Staff, systemsOf } from './people.ts';

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

/** No company id, no systems, no roles. */
export const deployedUser = (person: Staff) => ({
  id: person.id,
  first_name: person.first_name,
  last_name: person.last_name,
  email: person.email,
  department: person.department,
  position: person.position,
  is_active: person.is_active,
  date_joined: person.date_joined,
});

const systemNames = { AMS: 'Asset Management', BMS: 'Budget Management', TTS: 'Ticket Tracking', HDTS: 'Help Desk' };

const systemRoles = (person: Staff) =>
  person.roles.map(({ system, role }) => ({
    system_name: systemNames[system],
    system_slug: system.toLowerCase(),
    role_name: role,
    is_active: true,
    assigned_at: person.date_joined,
  }));

export const deployedProfile = (person: Staff) => ({
  id: person.id,
  email: person.email,
  username: person.username,
  first_name: person.first_name,
  last_name: person.last_name,
  full_name: fullName(person),
  company_id: person.company_id,
  department: person.department,
  position: person.position,
  is_active: person.is_active,
  date_joined: person.date_joined,
  system_roles: systemRoles(person),
});

const deployedStatuses: Partial<Record<EmployeeStatus, EmployeeStatus>> = {
  active: 'Approved',
  on_leave: 'Approved',
  inactive: 'Rejected',
};

/** All that `users/internal/` tells; whether the person is active is not among it. */
export const deployedInternalUser = (person: Staff) => ({
  id: person.id,
  email: person.email,
  username: person.username,
  first_name: person.first_name,
  last_name: person.last_name,
  full_name: fullName(person),
});

/** Far more than a caller needs, to whoever asks. */
export const deployedEmployee = (person: Employee) => ({
  id: person.id,
  email: person.email,
  username: person.username,
  first_name: person.first_name,
  middle_name: person.middle_name,
  last_name: person.last_name,
  suffix: person.suffix,
  full_name: [person.first_name, person.middle_name, person.last_name, person.suffix].filter(Boolean).join(' '),
  phone_number: person.phone_number,
  company_id: person.company_id,
  department: person.department,
  profile_picture: person.profile_picture,
  status: deployedStatuses[person.status] ?? person.status,
  system_roles: [{ system_slug: 'hdts', role_name: 'Employee', is_active: true }],
  created_at: person.created_at,
  updated_at: person.updated_at,
  last_login: person.last_login,
});
