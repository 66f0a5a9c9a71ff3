import { json, readJson, serverError } from '../http-messages.ts';
import type { Dependencies } from '../dependencies.ts';
import type { DeployedCallers } from './caller.ts';
import { asEmployee, asStaff, asStaffUnlessDeleted, type Handler, notSignedIn } from './guards.ts';
import { employeeProfile, internalUser, staffProfile, userInfo } from './profiles.ts';

const isNumeric = (value: unknown): boolean => typeof value === 'number' || /^\s*[+-]?\d+\s*$/.test(String(value));

/** Endpoints of the deployed service that look up people by id, company id or token. */
export const createDeployedLookups = ({ people, now }: Dependencies, callers: DeployedCallers) => ({
  user: asStaff(({ parameter }) => {
    const person = people.staff.find(Number(parameter));
    return person ? json(200, userInfo(person)) : json(404, { error: 'User not found.' });
  }),

  users: asStaff((request) => {
    const read = readJson(request);
    if (!read.ok) return read.answer;
    const ids = read.fields.employee_cookie_ids ?? [];
    if (!Array.isArray(ids) || ids.length === 0) {
      return json(400, { error: 'employee_cookie_ids array is required.' });
    }
    // Python's int() raises ValueError for a text, which the service catches, and TypeError for null, which it does not.
    if (ids.some((id) => typeof id === 'string' && !isNumeric(id))) {
      return json(400, { error: 'All employee_cookie_ids must be numbers.' });
    }
    if (!ids.every(isNumeric)) return json(500, { error: 'int() argument must be a string or a number' });
    const users = ids.map((id) => people.staff.find(Number(id))).filter((person) => person !== null);
    return json(200, Object.fromEntries(users.map((person) => [String(person.id), userInfo(person)])));
  }),

  'round-robin': asStaff(({ query }) => {
    const role = query.get('role_name');
    return role
      ? json(200, people.staffIdsByRole('TTS', role))
      : json(400, { error: 'Either role_id or role_name parameter is required.' });
  }),

  // Upstream vulnerability: the service does not check the API key, and returns the full record.
  employee: (({ parameter, view }) => {
    const person = people.employees.find(Number(parameter));
    return person ? json(200, employeeProfile(person, view)) : json(404, { error: 'Employee not found' });
  }) satisfies Handler,

  'staff-internal': (({ parameter }) => {
    const person = people.staff.find(Number(parameter));
    return person ? json(200, internalUser(person)) : json(404, { error: 'User not found' });
  }) satisfies Handler,

  validate: asStaffUnlessDeleted(({ view }, staff) =>
    json(200, { ...staffProfile(staff, view), token_validated_at: new Date(now()).toISOString() }),
  ),

  'staff-profile': asStaffUnlessDeleted(({ view }, staff) => json(200, staffProfile(staff, view))),

  'employee-profile': asEmployee(({ view }, employee) => json(200, employeeProfile(employee, view))),

  me: (async (request) => {
    const caller = await callers.fromAnyToken(request);
    if (!caller) {
      return request.cookies.get('access_token') || request.headers.authorization
        ? json(401, { detail: 'Given token not valid for any token type', code: 'token_not_valid' })
        : notSignedIn;
    }
    const { employee, staff } = caller;
    if (employee) return json(200, { type: 'employee', data: employeeProfile(employee, request.view) });
    // A deleted employee gets the staff user with the same id.
    return staff ? json(200, { type: 'user', data: staffProfile(staff, request.view) }) : serverError();
  }) satisfies Handler,

  // The company id of an employee returns the employee, whose id may also be a staff id.
  'by-company': asStaff(({ parameter, view }) => {
    const person = people.staff.byCompanyId(parameter);
    if (person) return json(200, staffProfile(person, view));
    const employee = people.employees.byCompanyId(parameter);
    return employee
      ? json(200, employeeProfile(employee, view))
      : json(404, { detail: `User with company_id ${parameter} not found.` });
  }),
});
