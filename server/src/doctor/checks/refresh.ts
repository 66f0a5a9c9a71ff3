import { type Finding, ok, problem, unchecked, warning } from '../finding.ts';
import type { JudgedPath } from './paths.ts';

const name = 'refresh';

/** Whether a session can be refreshed there. Guide: "Handle token refresh on 401 responses", which the BFF does. */
export const checkRefresh = (paths: readonly JudgedPath[]): Finding => {
  const kindOf = (endpoint: string) => paths.find((path) => path.endpoint.name === endpoint)?.kind ?? 'missing';
  const has = (endpoint: string) => kindOf(endpoint) !== 'missing' && kindOf(endpoint) !== 'failing';
  const isUntold = (endpoint: string) => kindOf(endpoint) === 'untold';
  if (isUntold('refresh') || (!has('refresh') && ['staff-refresh', 'employee-refresh'].some(isUntold))) {
    return unchecked(
      name,
      `the Auth Service answers ${isUntold('refresh') ? 'the endpoint for it' : 'an older endpoint for it'} like a path that cannot exist`,
      'Pipe in an access token (--token -), of staff and of an employee in turn',
    );
  }
  if (has('refresh')) return ok(name, 'the Auth Service has the endpoint that refreshes sessions of both kinds');
  const older = ['staff', 'employee'].filter((type) => has(`${type}-refresh`));
  return older.length === 2
    ? warning(name, 'there are only the older endpoints', 'Nothing has to be done: they are used instead')
    : problem(
        name,
        older.length === 0
          ? 'there is no endpoint for it'
          : `there is none for ${older[0] === 'staff' ? 'employees' : 'staff'}`,
        'People sign in anew when their token ends: have the Auth Service offer /api/v1/token/refresh/cookie/',
      );
};
