import { type AuthRequest, json, readJson } from '../http-messages.ts';
import { createGuideGuards } from './caller.ts';
import { guideEmployee, guideEmployeeProfile, guideOwnProfile, guideProfile, guideUser } from './profiles.ts';
import type { Dependencies } from '../dependencies.ts';

const isId = (value: unknown): value is number => typeof value === 'number' && Number.isSafeInteger(value) && value > 0;

/** The endpoints of the guide that look up people. */
export const createGuideLookups = (dependencies: Dependencies) => {
  const { people } = dependencies;
  const { signedIn, staffOnly, employeesOnly } = createGuideGuards(dependencies);

  return {
    user: staffOnly(({ parameter }) => {
      const person = people.staff.find(Number(parameter));
      return person ? json(200, guideUser(person)) : json(404, { error: 'User not found.' });
    }),

    users: staffOnly((request) => {
      const read = readJson(request);
      if (!read.ok) return read.answer;
      const ids = read.fields.user_ids;
      if (ids === undefined) return json(400, { user_ids: ['This field is required.'] });
      if (!Array.isArray(ids) || !ids.every(isId)) return json(400, { user_ids: ['A list of integers is required.'] });
      const uniqueIds = [...new Set(ids)];
      // The database returns users sorted by id, not in the requested order.
      const users = uniqueIds
        .toSorted((left, right) => left - right)
        .map(people.staff.find)
        .filter((person) => person !== null);
      return json(200, {
        users: users.map(guideUser),
        not_found: uniqueIds.filter((id) => people.staff.find(id) === null),
      });
    }),

    'round-robin': staffOnly(({ query }) => {
      const system = query.get('system');
      const role = query.get('role');
      if (!system || !role) return json(400, { error: 'system and role are required.' });
      const user_ids = people.staffIdsByRole(system, role);
      return json(200, user_ids.length > 0 ? { user_ids, system, role, count: user_ids.length } : { user_ids });
    }),

    employee: ({ headers, parameter }: AuthRequest) => {
      const key = headers['x-api-key'];
      if (key === undefined || key === '') return json(401, { detail: 'API key required.' });
      if (key !== dependencies.apiKey) return json(403, { detail: 'Invalid API key.' });
      const person = people.employees.find(Number(parameter));
      return person ? json(200, guideEmployee(person)) : json(404, { error: 'Employee not found.' });
    },

    validate: signedIn((_request, { type, person, claims }) =>
      json(200, {
        valid: true,
        user_id: person.id,
        user_type: type,
        expires_at: new Date(Number(claims.exp) * 1000).toISOString(),
      }),
    ),

    'staff-profile': staffOnly((_request, person) => json(200, guideOwnProfile(person))),

    'employee-profile': employeesOnly((_request, person) => json(200, guideEmployeeProfile(person))),

    'by-company': staffOnly(({ parameter }) => {
      const person = people.staff.byCompanyId(parameter);
      return person ? json(200, guideProfile(person)) : json(404, { detail: 'Not found.' });
    }),
  };
};
