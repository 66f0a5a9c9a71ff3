import type { DeployedCaller, DeployedCallers } from './deployed-caller.ts';
import { type Answer, type AuthRequest, bearerOf, html, json, readJson, redirect } from './exchange.ts';
import { employeeByCompanyId, findEmployee, findStaff, staffByCompanyId, staffIdsByRole } from './people.ts';
import { deployedEmployee, deployedProfile, deployedUser } from './profiles.ts';
import { subjectOf } from './tokens.ts';

type Handler = (request: AuthRequest, caller: DeployedCaller) => Answer;

const signedIn =
  (handler: Handler) =>
  (request: AuthRequest, caller: DeployedCaller | null): Answer =>
    caller ? handler(request, caller) : redirect(302, '/login/');

const employeeOf = ({ claims }: DeployedCaller) => {
  const subject = subjectOf(claims);
  return subject?.type === 'employee' ? findEmployee(subject.id) : null;
};

/** The deployed service's endpoints that tell about people. */
export const createDeployedLookups = (callers: DeployedCallers, now: () => number) => ({
  user: signedIn(({ parameter }) => {
    const person = findStaff(Number(parameter));
    return person ? json(200, deployedUser(person)) : json(404, { error: 'User not found.' });
  }),

  users: signedIn((request) => {
    const read = readJson(request);
    if (!read.ok) return read.answer;
    const ids = read.fields.employee_cookie_ids;
    if (!Array.isArray(ids) || ids.length === 0) return json(400, { error: 'employee_cookie_ids is required.' });
    const users = ids.map((id) => findStaff(Number(id))).filter((person) => person !== null);
    return json(200, Object.fromEntries(users.map((person) => [String(person.id), deployedUser(person)])));
  }),

  'round-robin': signedIn(({ query }) => {
    const role = query.get('role_name');
    return role ? json(200, staffIdsByRole('TTS', role)) : json(400, { error: 'role_name is required.' });
  }),

  // Nobody checks the key, and the answer holds whatever there is.
  employee: ({ parameter }: AuthRequest): Answer => {
    const person = findEmployee(Number(parameter));
    return person ? json(200, deployedEmployee(person)) : json(404, { error: 'Employee not found.' });
  },

  validate: signedIn((_request, { staff }) =>
    json(200, { ...deployedProfile(staff), token_validated_at: new Date(now()).toISOString() }),
  ),

  'staff-profile': signedIn((_request, { staff }) => json(200, deployedProfile(staff))),

  'employee-profile': signedIn((_request, caller) => {
    const person = employeeOf(caller);
    return person ? json(200, deployedEmployee(person)) : json(403, { error: 'Not an employee.' });
  }),

  // The one place where Bearer is seen.
  me: async (request: AuthRequest, caller: DeployedCaller | null): Promise<Answer> => {
    const bearer = request.cookies.get('access_token') ? null : bearerOf(request.headers);
    const asking = caller ?? (bearer === null ? null : await callers.ofToken(bearer));
    if (asking === 'no_staff_row') return html(500, 'Server Error (500)');
    if (!asking) {
      return request.cookies.get('access_token') || bearerOf(request.headers)
        ? json(401, { detail: 'Given token not valid for any token type', code: 'token_not_valid' })
        : json(401, { detail: 'Authentication credentials were not provided.' });
    }
    if (subjectOf(asking.claims)?.type !== 'employee') {
      return json(200, { type: 'user', data: deployedProfile(asking.staff) });
    }
    const person = employeeOf(asking);
    return person
      ? json(200, { type: 'employee', data: deployedEmployee(person) })
      : json(401, { detail: 'User not found', code: 'user_not_found' });
  },

  // An employee's company id gives the employee, with a number that is a staff user's as well.
  'by-company': signedIn(({ parameter }) => {
    const person = staffByCompanyId(parameter);
    if (person) return json(200, deployedProfile(person));
    const employee = employeeByCompanyId(parameter);
    return employee ? json(200, deployedEmployee(employee)) : json(404, { error: 'User not found.' });
  }),
});
