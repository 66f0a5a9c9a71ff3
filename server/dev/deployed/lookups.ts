import type { DeployedCaller, DeployedCallers } from './deployed-caller.ts';
import { type Answer, type AuthRequest, bearerOf, json, readJson, redirect, serverError } from './exchange.ts';
import type { Staff } from './people.ts';
import { deployedEmployee, deployedInternalUser, deployedProfile, deployedUser } from './profiles.ts';
import type { Service } from './service.ts';

type Handler = (request: AuthRequest, staff: Staff) => Answer;

/** An employee's token is taken for that of the staff user with the same number. */
const asStaff =
  (handler: Handler) =>
  (request: AuthRequest, caller: DeployedCaller | null): Answer => {
    if (!caller) return redirect(302, '/login/');
    return caller.staff ? handler(request, caller.staff) : serverError();
  };

/** As `asStaff`, where the service notices that an employee was deleted. */
const asStaffUnlessDeleted = (handler: Handler) => {
  const answer = asStaff(handler);
  return (request: AuthRequest, caller: DeployedCaller | null): Answer => {
    const isDeletedEmployee = caller?.type === 'employee' && caller.employee === null && caller.staff !== null;
    return isDeletedEmployee ? redirect(302, '/profile-settings/') : answer(request, caller);
  };
};

/** The deployed service's endpoints that tell about people. */
export const createDeployedLookups = ({ people, now }: Service, callers: DeployedCallers) => ({
  user: asStaff(({ parameter }) => {
    const person = people.staff.find(Number(parameter));
    return person ? json(200, deployedUser(person)) : json(404, { error: 'User not found.' });
  }),

  users: asStaff((request) => {
    const read = readJson(request);
    if (!read.ok) return read.answer;
    const ids = read.fields.employee_cookie_ids;
    if (!Array.isArray(ids) || ids.length === 0) return json(400, { error: 'employee_cookie_ids is required.' });
    const users = ids.map((id) => people.staff.find(Number(id))).filter((person) => person !== null);
    return json(200, Object.fromEntries(users.map((person) => [String(person.id), deployedUser(person)])));
  }),

  'round-robin': asStaff(({ query }) => {
    const role = query.get('role_name');
    return role ? json(200, people.staffIdsByRole('TTS', role)) : json(400, { error: 'role_name is required.' });
  }),

  // Nobody checks the key, and the answer holds whatever there is.
  employee: ({ parameter }: AuthRequest): Answer => {
    const person = people.employees.find(Number(parameter));
    return person ? json(200, deployedEmployee(person)) : json(404, { error: 'Employee not found' });
  },

  'staff-internal': ({ parameter }: AuthRequest): Answer => {
    const person = people.staff.find(Number(parameter));
    return person ? json(200, deployedInternalUser(person)) : json(404, { error: 'User not found' });
  },

  validate: asStaffUnlessDeleted((_request, staff) =>
    json(200, { ...deployedProfile(staff), token_validated_at: new Date(now()).toISOString() }),
  ),

  'staff-profile': asStaffUnlessDeleted((_request, staff) => json(200, deployedProfile(staff))),

  'employee-profile': (_request: AuthRequest, caller: DeployedCaller | null): Answer => {
    if (!caller) return redirect(302, '/login/');
    const { employee } = caller;
    return employee
      ? json(200, deployedEmployee(employee))
      : json(403, { detail: 'You do not have permission to perform this action.' });
  },

  // The one place where Bearer is seen.
  me: async (request: AuthRequest, caller: DeployedCaller | null): Promise<Answer> => {
    const bearer = request.cookies.get('access_token') ? null : bearerOf(request.headers);
    const asking = caller ?? (bearer === null ? null : await callers.ofToken(bearer));
    if (!asking) {
      return request.cookies.get('access_token') || bearerOf(request.headers)
        ? json(401, { detail: 'Given token not valid for any token type', code: 'token_not_valid' })
        : json(401, { detail: 'Authentication credentials were not provided.' });
    }
    const { employee, staff } = asking;
    if (employee) return json(200, { type: 'employee', data: deployedEmployee(employee) });
    // A deleted employee is answered as the staff user of that number.
    return staff ? json(200, { type: 'user', data: deployedProfile(staff) }) : serverError();
  },

  // An employee's company id gives the employee, with a number that is a staff user's as well.
  'by-company': asStaff(({ parameter }) => {
    const person = people.staff.byCompanyId(parameter);
    if (person) return json(200, deployedProfile(person));
    const employee = people.employees.byCompanyId(parameter);
    return employee ? json(200, deployedEmployee(employee)) : json(404, { error: 'User not found.' });
  }),
});
