import type { Dialect } from '../options.ts';
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

/** What a sign-in as a person leads to. */
export type SignInOutcome = 'signed in' | 'one more step' | 'refused';

export type SignInPerson = {
  name: string;
  email: string;
  password: string;
  as: 'staff' | 'employee';
  outcome: SignInOutcome;
  /** What a visitor of the demo sees with this person. */
  shows: string;
  secondFactor: boolean;
};

type Example = Pick<SignInPerson, 'outcome' | 'shows'> & {
  /** Default: `shows`. */
  showsDeployed?: string;
};
type StaffExample = Example & { staffId: number };
type EmployeeExample = Example & { employeeId: number };

/** In the order of the list of the demo. */
const examples: ReadonlyArray<StaffExample | EmployeeExample> = [
  { staffId: 123, outcome: 'signed in', shows: 'TTS technician and AMS user: sees the tickets of both systems' },
  { staffId: 2, outcome: 'signed in', shows: 'TTS manager: sees the tickets of TTS' },
  { staffId: 3, outcome: 'signed in', shows: 'HDTS agent: sees the tickets of HDTS' },
  { staffId: 4, outcome: 'signed in', shows: 'AMS only: sees the tickets of AMS' },
  { staffId: 6, outcome: 'signed in', shows: 'Admin of all four systems: sees all tickets' },
  { employeeId: 1, outcome: 'signed in', shows: 'Employee: sees only the tickets that they opened' },
  { staffId: 7, outcome: 'one more step', shows: 'Second factor: enter a code from an e-mail' },
  {
    employeeId: 2,
    outcome: 'one more step',
    shows: 'Employee with a second factor: enter a code from an e-mail',
    showsDeployed: 'Employee with a second factor: this Auth Service accepts none of their codes',
  },
  { staffId: 10, outcome: 'one more step', shows: "Captcha: confirm that you're not a robot" },
  { staffId: 9, outcome: 'refused', shows: 'Locked: too many wrong passwords' },
  {
    staffId: 8,
    outcome: 'refused',
    shows: 'Inactive: an administrator has to activate the account',
    showsDeployed: 'Inactive: this Auth Service answers as for a wrong password',
  },
  { employeeId: 20, outcome: 'refused', shows: 'Pending: an administrator has to approve the account' },
];

const personOf = (example: StaffExample | EmployeeExample): Staff | Employee => {
  const person: Staff | Employee | undefined =
    'staffId' in example
      ? staff.find(({ id }) => id === example.staffId)
      : employees.find(({ id }) => id === example.employeeId);
  if (person === undefined) throw new Error(`The seed data has nobody for the example: ${example.shows}`);
  return person;
};

/** People to sign in as in the demo, with what they show in a dialect of the Auth Service. */
export const signInPeopleOf = (dialect: Dialect): readonly SignInPerson[] =>
  examples.map((example) => {
    const person = personOf(example);
    const { outcome, shows, showsDeployed = shows } = example;
    return {
      name: fullName(person),
      email: person.email,
      password: person.password,
      as: 'staffId' in example ? 'staff' : 'employee',
      outcome,
      shows: dialect === 'deployed' ? showsDeployed : shows,
      secondFactor: person.second_factor,
    };
  });

export const signInPeople = signInPeopleOf('guide');
