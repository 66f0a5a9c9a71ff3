import { type Employee, type EmployeeStatus, fullName, type Role, type Staff, type System } from '../people/people.ts';
import type { View } from './guards.ts';

export const systemNames: Record<System, string> = {
  AMS: 'Asset Management',
  BMS: 'Budget Management',
  TTS: 'Ticket Tracking',
  HDTS: 'Help Desk',
};

const absolute = (picture: string | null, host: string): string | null =>
  picture === null ? null : `http://${host}${picture}`;

type Assignment = { id: number; system: System; role: string; assignedAt: string; isActive: boolean };

const assignment = ({ id, system, role, assignedAt, isActive }: Assignment) => ({
  id,
  system_name: systemNames[system],
  system_slug: system.toLowerCase(),
  role_name: role,
  assigned_at: assignedAt,
  last_logged_on: null,
  is_active: isActive,
});

const systemRoles = (person: Staff, chosenSystem: string | null) =>
  person.roles
    .map(({ system, role, is_active: isActive = true }: Role, index) =>
      assignment({ id: person.id * 10 + index, system, role, assignedAt: person.date_joined, isActive }),
    )
    .filter(({ system_slug }) => chosenSystem === null || system_slug === chosenSystem);

/** The fields that all profiles begin with. */
const identity = (person: Staff | Employee) => ({
  id: person.id,
  email: person.email,
  username: person.username,
  first_name: person.first_name,
  middle_name: person.middle_name,
  last_name: person.last_name,
  suffix: person.suffix,
  phone_number: person.phone_number,
  company_id: person.company_id,
  department: person.department,
});

/** A staff user in profiles and lists: without `position`, `full_name` and `is_staff`. */
export const staffProfile = (person: Staff, { host, chosenSystem }: View) => ({
  ...identity(person),
  status: person.status,
  notified: false,
  is_active: person.is_active,
  profile_picture: absolute(person.profile_picture, host),
  date_joined: person.date_joined,
  last_login: person.last_login,
  otp_enabled: person.second_factor,
  system_roles: systemRoles(person, chosenSystem),
});

/** Without company id, systems and roles. `position` is always null because the service does not store it. */
export const userInfo = (person: Staff) => ({
  id: person.id,
  first_name: person.first_name,
  last_name: person.last_name,
  email: person.email,
  department: person.department,
  position: null,
  is_active: person.is_active,
  date_joined: person.date_joined,
});

/** The fields of `users/internal/`. `is_active` is not among them. */
export const internalUser = (person: Staff) => ({
  id: person.id,
  email: person.email,
  username: person.username,
  first_name: person.first_name,
  last_name: person.last_name,
  full_name: fullName(person),
});

// The seed data uses the status values of the guide.
const statusOf = ({ status }: Employee): EmployeeStatus => {
  if (status === 'active' || status === 'on_leave') return 'Approved';
  return status === 'inactive' ? 'Rejected' : status;
};

const employeeRoles = ({ id, created_at: assignedAt }: Employee) => [
  assignment({ id, system: 'HDTS', role: 'Employee', assignedAt, isActive: true }),
];

/** An employee in profiles and in the internal endpoint, which needs no credentials. */
export const employeeProfile = (person: Employee, { host }: Pick<View, 'host'>) => ({
  ...identity(person),
  status: statusOf(person),
  profile_picture: absolute(person.profile_picture, host),
  otp_enabled: person.second_factor,
  last_login: person.last_login,
  created_at: person.created_at,
  updated_at: person.updated_at,
  full_name: [person.first_name, person.middle_name, person.last_name, person.suffix].filter(Boolean).join(' '),
  system_roles: employeeRoles(person),
});

/** An employee in the list of HDTS users: in the shape of a staff user, always active, with an id that a staff user may have too. */
export const employeeAmongStaff = (person: Employee) => ({
  ...identity(person),
  status: statusOf(person),
  notified: false,
  is_active: true,
  profile_picture: person.profile_picture,
  date_joined: person.created_at,
  otp_enabled: person.second_factor,
  system_roles: employeeRoles(person),
});
