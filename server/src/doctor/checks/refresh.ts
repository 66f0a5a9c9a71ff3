import type { EndpointState } from '../endpoint-states.ts';
import { type Finding, ok, problem, unchecked, warning } from '../finding.ts';

const name = 'refresh';

/** Whether the Auth Service can refresh sessions. Guide: "Handle token refresh on 401 responses", which the BFF does. */
export const checkRefresh = (states: readonly EndpointState[]): Finding => {
  const stateOf = (endpoint: string) => states.find((entry) => entry.endpoint.name === endpoint)?.state ?? 'missing';
  const has = (endpoint: string) => stateOf(endpoint) !== 'missing' && stateOf(endpoint) !== 'failing';
  const isUnknown = (endpoint: string) => stateOf(endpoint) === 'unknown';
  if (isUnknown('refresh') || (!has('refresh') && ['staff-refresh', 'employee-refresh'].some(isUnknown))) {
    return unchecked(
      name,
      `the Auth Service responds to ${isUnknown('refresh') ? 'the refresh endpoint' : 'an older refresh endpoint'} as to a path that cannot exist`,
      'Pipe in an access token (--token -), first of staff and then of an employee',
    );
  }
  if (has('refresh')) return ok(name, 'the Auth Service has the refresh endpoint for staff and employees');
  const older = ['staff', 'employee'].filter((type) => has(`${type}-refresh`));
  if (older.length === 2) {
    return warning(
      name,
      'the Auth Service has only the older refresh endpoints',
      'No action is needed: the BFF uses them',
    );
  }
  const lacking = older[0] === 'staff' ? 'employees' : 'staff';
  return problem(
    name,
    `the Auth Service has no refresh endpoint${older.length === 0 ? '' : ` for ${lacking}`}, so people must sign in again whenever their access token expires`,
    'Add /api/v1/token/refresh/cookie/ to the Auth Service',
  );
};
