import type { PeopleDirectory } from './people-directory.ts';
import { type Employee, isActiveEmployee, type Staff } from './people.ts';

/** Generous, so that tests of wrong passwords do not lock the person they share. */
export const WRONG_PASSWORDS_BEFORE_LOCK = 20;

const CAPTCHA_THAT_PASSES = 'captcha-ok';

type Refusal = { outcome: 'wrong' | 'locked' | 'inactive' | 'captcha' };
type Accepted<Person> = { outcome: 'ok' | 'second_factor'; person: Person };

export type StaffSignIn = Refusal | Accepted<Staff>;
export type EmployeeSignIn = Refusal | Accepted<Employee>;

/** Checks passwords, and counts the wrong ones in a row: too many lock the account. */
export const createSignIn = ({ people }: { people: PeopleDirectory }) => {
  const wrongInARow = new Map<string, number>();

  const isLocked = (key: string) => (wrongInARow.get(key) ?? 0) >= WRONG_PASSWORDS_BEFORE_LOCK;

  const passwordHolds = (key: string, person: Staff | Employee, password: string): boolean => {
    if (person.password === password) {
      wrongInARow.delete(key);
      return true;
    }
    wrongInARow.set(key, (wrongInARow.get(key) ?? 0) + 1);
    return false;
  };

  return {
    staff: (email: string, password: string, captchaToken: unknown): StaffSignIn => {
      const person = people.staff.byEmail(email);
      if (!person) return { outcome: 'wrong' };
      const key = `staff:${person.id}`;
      if (person.locked || isLocked(key)) return { outcome: 'locked' };
      if (person.captcha && captchaToken !== CAPTCHA_THAT_PASSES) return { outcome: 'captcha' };
      if (!passwordHolds(key, person, password)) return { outcome: 'wrong' };
      if (!person.is_active) return { outcome: 'inactive' };
      return { outcome: person.second_factor ? 'second_factor' : 'ok', person };
    },
    employee: (email: string, password: string): EmployeeSignIn => {
      const person = people.employees.byEmail(email);
      if (!person) return { outcome: 'wrong' };
      const key = `employee:${person.id}`;
      if (isLocked(key)) return { outcome: 'locked' };
      if (!passwordHolds(key, person, password)) return { outcome: 'wrong' };
      if (!isActiveEmployee(person)) return { outcome: 'inactive' };
      return { outcome: person.second_factor ? 'second_factor' : 'ok', person };
    },
  };
};

export type SignIn = ReturnType<typeof createSignIn>;
