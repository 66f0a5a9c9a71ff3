import { createAccountLockout } from '../account-lockout.ts';
import { type Employee, isActiveEmployee, type Staff } from '../people/people.ts';
import type { Dependencies } from '../dependencies.ts';

/** High enough that tests of wrong passwords do not lock the person they share. */
export const WRONG_PASSWORDS_BEFORE_LOCK = 20;

type Outcome<Person> =
  | { outcome: 'wrong' | 'locked' | 'inactive' | 'pending' | 'rejected' | 'captcha' }
  | { outcome: 'ok' | 'second_factor'; person: Person };

type Attempt<Person> = {
  person: Person | null;
  password: string;
  captchaToken: unknown;
  lockout: ReturnType<typeof createAccountLockout>;
  isLocked: boolean;
  needsCaptcha: boolean;
};

/** Checks passwords. Too many consecutive wrong passwords lock an account permanently. */
export const createGuideSignIn = ({ people, captcha, now }: Dependencies) => {
  const permanent = { maxFailures: WRONG_PASSWORDS_BEFORE_LOCK, lockDurationMs: Number.POSITIVE_INFINITY, now };
  const staffLockout = createAccountLockout(permanent);
  const employeeLockout = createAccountLockout(permanent);

  const check = <Person extends Staff | Employee>(attempt: Attempt<Person>): Outcome<Person> => {
    const { person, password, captchaToken, lockout, isLocked, needsCaptcha } = attempt;
    if (captcha(captchaToken, needsCaptcha) !== 'passed') return { outcome: 'captcha' };
    if (!person) return { outcome: 'wrong' };
    if (isLocked || lockout.isLocked(person.id)) return { outcome: 'locked' };
    if (person.password !== password) {
      lockout.recordFailure(person.id);
      return { outcome: 'wrong' };
    }
    lockout.reset(person.id);
    if (person.status === 'Pending') return { outcome: 'pending' };
    if (person.status === 'Rejected') return { outcome: 'rejected' };
    const isActive = 'is_active' in person ? person.is_active : isActiveEmployee(person);
    if (!isActive) return { outcome: 'inactive' };
    return { outcome: person.second_factor ? 'second_factor' : 'ok', person };
  };

  return {
    staff: (email: string, password: string, captchaToken: unknown): Outcome<Staff> => {
      const person = people.staff.byEmail(email);
      const { locked: isLocked = false, captcha: needsCaptcha = false } = person ?? {};
      return check({ person, password, captchaToken, lockout: staffLockout, isLocked, needsCaptcha });
    },
    employee: (email: string, password: string, captchaToken: unknown): Outcome<Employee> => {
      const person = people.employees.byEmail(email);
      return check({ person, password, captchaToken, lockout: employeeLockout, isLocked: false, needsCaptcha: false });
    },
  };
};
