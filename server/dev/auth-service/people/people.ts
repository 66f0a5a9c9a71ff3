import { employees } from './people-employees.ts';
import { staff } from './people-staff.ts';

export type System = 'AMS' | 'BMS' | 'TTS' | 'HDTS';
export type Role = {
  system: System;
  role: string;
  /** Whether the role is active. Default true. */
  is_active?: boolean;
};

/** Staff and employees have separate ids, which overlap. */
export type Subject = { type: 'staff' | 'employee'; id: number };

type PersonFields = {
  id: number;
  email: string;
  first_name: string;
  middle_name: string | null;
  last_name: string;
  suffix: string | null;
  username: string | null;
  company_id: string;
  department: string;
  last_login: string | null;
  profile_picture: string | null;
  password: string;
  second_factor: boolean;
};

export type Staff = PersonFields & {
  phone_number: string | null;
  /** Only in the guide dialect. The deployed service has no such field. */
  position: string | null;
  /** In the deployed dialect it blocks sign-in only for people with the role Employee in HDTS. */
  status: 'Pending' | 'Approved' | 'Rejected';
  is_active: boolean;
  /** Django's flag, unrelated to the role Admin of a system. */
  is_staff: boolean;
  is_superuser: boolean;
  date_joined: string;
  roles: readonly Role[];
  locked: boolean;
  /** Sign-in also requires a captcha. */
  captcha: boolean;
};

/** The first three values are of the guide dialect, the others of the deployed dialect. */
export type EmployeeStatus = 'active' | 'inactive' | 'on_leave' | 'Pending' | 'Approved' | 'Rejected';

export type Employee = PersonFields & {
  phone_number: string;
  status: EmployeeStatus;
  created_at: string;
  updated_at: string;
};

export { employees, staff };

export const systemsOf = (person: Staff): System[] => [...new Set(person.roles.map(({ system }) => system))];

export const fullName = (person: Pick<Staff, 'first_name' | 'last_name'>): string =>
  `${person.first_name} ${person.last_name}`;

export const isActiveEmployee = ({ status }: Employee): boolean =>
  !['inactive', 'Pending', 'Rejected'].includes(status);

export type SignInPerson = {
  name: string;
  email: string;
  password: string;
  as: 'staff' | 'employee';
  shows: string;
  secondFactor: boolean;
};

const toSignInPerson = (person: Staff | Employee, as: SignInPerson['as'], shows: string): SignInPerson => ({
  name: fullName(person),
  email: person.email,
  password: person.password,
  as,
  shows,
  secondFactor: person.second_factor,
});

const staffToShow = (id: number, shows: string): SignInPerson[] =>
  staff.filter((person) => person.id === id).map((person) => toSignInPerson(person, 'staff', shows));

const employeeToShow = (id: number, shows: string): SignInPerson[] =>
  employees.filter((person) => person.id === id).map((person) => toSignInPerson(person, 'employee', shows));

/** People to sign in as in the demo. `shows`: the case that each one demonstrates. */
export const signInPeople: readonly SignInPerson[] = [
  ...staffToShow(123, "TTS technician and AMS user: the guide's example"),
  ...staffToShow(2, 'TTS manager'),
  ...staffToShow(3, 'HDTS agent'),
  ...staffToShow(4, 'AMS only: no access to tickets'),
  ...staffToShow(6, 'admin of all four systems'),
  ...staffToShow(7, 'second factor: needs a code'),
  ...staffToShow(8, 'inactive: cannot sign in'),
  ...staffToShow(9, 'locked: cannot sign in'),
  ...staffToShow(10, 'needs a captcha: enter captcha-ok'),
  ...employeeToShow(1, 'employee with the same id 1 as the staff user Maria Santos'),
  ...employeeToShow(2, 'employee with a second factor, which cannot be completed in the deployed dialect'),
];
