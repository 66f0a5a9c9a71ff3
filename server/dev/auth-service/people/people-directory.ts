import { employees } from './people-employees.ts';
import { crowdMember, staff } from './people-staff.ts';
import type { Employee, Staff, Subject } from './people.ts';

/** `deleted`, or new values for some fields of the seeded record. */
export type PersonChange = 'deleted' | Partial<Omit<Staff, 'id'>> | Partial<Omit<Employee, 'id'>>;

type Row = { id: number; email: string; company_id: string };
type TableOptions<Person> = {
  seed: readonly Person[];
  /** Finds people who appear in no list. Default: none. */
  unlisted?: (id: number) => Person | null;
};

const same = (left: string, right: string) => left.toLowerCase() === right.toLowerCase();

const createTable = <Person extends Row>({ seed, unlisted = () => null }: TableOptions<Person>) => {
  const rows = new Map(seed.map((person) => [person.id, person]));
  const deleted = new Set<number>();
  const all = () => [...rows.values()];
  const find = (id: number): Person | null => {
    if (deleted.has(id)) return null;
    return rows.get(id) ?? unlisted(id);
  };

  return {
    /** All listed people, in seed order. */
    all,
    find,
    /** Case-insensitive. */
    byEmail: (email: string): Person | null => all().find((person) => same(person.email, email)) ?? null,
    /** Case-insensitive. */
    byCompanyId: (companyId: string): Person | null =>
      all().find((person) => same(person.company_id, companyId)) ?? null,
    change(id: number, change: 'deleted' | Partial<Person>): void {
      const person = find(id);
      if (person === null) throw new Error(`There is no person with the id ${id}.`);
      if (change === 'deleted') {
        rows.delete(id);
        deleted.add(id);
      } else rows.set(id, { ...person, ...change });
    },
  };
};

/** The people of one service. It starts with the seeded people. */
export const createPeopleDirectory = () => {
  const staffTable = createTable<Staff>({ seed: staff, unlisted: crowdMember });
  const employeeTable = createTable<Employee>({ seed: employees });

  return {
    staff: staffTable,
    employees: employeeTable,

    /** Ids of the staff with a role in a system, ascending, including inactive people. Case-insensitive. */
    staffIdsByRole: (system: string, role: string): number[] =>
      staffTable
        .all()
        .filter((person) => person.roles.some((held) => same(held.system, system) && same(held.role, role)))
        .map((person) => person.id)
        .toSorted((left, right) => left - right),

    /** Throws if the person does not exist. */
    change({ type, id }: Subject, change: PersonChange): void {
      if (type === 'staff') staffTable.change(id, change as 'deleted' | Partial<Staff>);
      else employeeTable.change(id, change as 'deleted' | Partial<Employee>);
    },
  };
};

export type PeopleDirectory = ReturnType<typeof createPeopleDirectory>;
