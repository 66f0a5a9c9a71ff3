import { json } from '../http-messages.ts';
import { type Staff, type System } from '../people/people.ts';
import type { Dependencies } from '../dependencies.ts';
import { asStaff, notPermitted, type View } from './guards.ts';
import { employeeAmongStaff, staffProfile, systemNames } from './profiles.ts';

const systemIds: Record<System, number> = { AMS: 1, BMS: 2, TTS: 3, HDTS: 4 };
const toSystem = (slug: string): System | null =>
  (Object.keys(systemIds) as System[]).find((system) => system.toLowerCase() === slug) ?? null;

const isAdminOf = (person: Staff, system: System | null): boolean =>
  person.roles.some((held) => held.system === system && held.role === 'Admin');

const isOf = (person: Staff, slug: string): boolean => person.roles.some(({ system }) => system.toLowerCase() === slug);

const compare = (left: string, right: string) => (left < right ? -1 : Number(left > right));

/** The lists of people with their roles in the deployed service, and who may see them. */
export const createDeployedRoleLists = ({ people }: Dependencies) => {
  /** Superusers see all people. Callers without `is_staff` see active people. Callers with it see only a system that they administer. */
  const listedFor = (staff: Staff, { chosenSystem }: View): Staff[] => {
    const everybody = people.staff.all();
    if (staff.is_superuser) return everybody;
    if (!staff.is_staff) return everybody.filter((person) => person.is_active);
    const system = chosenSystem === null ? null : toSystem(chosenSystem);
    if (chosenSystem === null || !isAdminOf(staff, system)) return [];
    return everybody.filter((person) => isOf(person, chosenSystem));
  };

  return {
    /** For admins of the system and superusers. Includes inactive people, without a field that marks them. */
    'system-users': asStaff(({ parameter }, staff) => {
      const system = toSystem(parameter);
      if (!staff.is_superuser && !isAdminOf(staff, system)) return notPermitted;
      if (system === null) return json(404, { detail: 'Not found.' });
      const users = people.staff.all().flatMap(({ id, email, first_name, last_name, date_joined, roles }) =>
        roles
          .filter((held) => held.system === system)
          .map(({ role }) => ({
            id,
            email,
            first_name,
            last_name,
            role,
            system_id: systemIds[system],
            system_name: systemNames[system],
            system_slug: parameter,
            assigned_at: date_joined,
          })),
      );
      return json(200, {
        system: { id: systemIds[system], name: systemNames[system], slug: parameter },
        users_count: users.length,
        users: users.toSorted((left, right) => compare(left.email, right.email)),
      });
    }),

    'users-list': asStaff(({ view }, staff) => {
      const users = listedFor(staff, view).map((person) => staffProfile(person, view));
      return json(200, { users_count: users.length, users });
    }),

    /** Open to every token. Includes employees, whose ids overlap with staff ids. */
    'hdts-users': asStaff(({ view }) => {
      const users = people.staff
        .all()
        .filter((person) => isOf(person, 'hdts'))
        .map((person) => staffProfile(person, view));
      const employees = people.employees.all().map(employeeAmongStaff);
      return json(200, {
        count: users.length + employees.length,
        system_users_count: users.length,
        employees_count: employees.length,
        users,
        all_users: [...users, ...employees],
      });
    }),
  };
};
