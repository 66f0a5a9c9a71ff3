const routes = [
  ['user', 'GET', '/api/v1/tts/user-info/<int>/'],
  ['users', 'POST', '/api/v1/tts/users-info/'],
  ['round-robin', 'GET', '/api/v1/tts/round-robin/'],
  ['system-users', 'GET', '/api/v1/system-roles/systems/<str>/users/'],
  ['users-list', 'GET', '/api/v1/users/list/'],
  ['hdts-users', 'GET', '/api/v1/hdts/user-management/users/api/'],
  ['employee', 'GET', '/api/v1/hdts/employees/internal/<int>/'],
  ['staff-internal', 'GET', '/api/v1/users/internal/<int>/'],
  ['validate', 'GET', '/api/v1/users/token/validate/'],
  ['staff-profile', 'GET', '/api/v1/users/profile/'],
  ['employee-profile', 'GET', '/api/v1/hdts/employees/api/profile/'],
  ['me', 'GET', '/api/me/'],
  ['by-company', 'GET', '/api/v1/users/profile/by-company/<str>/'],
  ['staff-login', 'POST', '/api/v1/users/login/api/'],
  ['staff-otp', 'POST', '/api/v1/users/login/verify-otp/'],
  ['staff-otp-resend', 'POST', '/api/v1/users/2fa/request-otp-authenticated/'],
  ['staff-token', 'POST', '/token/'],
  ['employee-login', 'POST', '/api/v1/hdts/employees/api/login/'],
  ['employee-otp', 'POST', '/api/v1/hdts/employees/api/2fa/verify-otp/'],
  ['refresh', 'POST', '/api/v1/token/refresh/cookie/'],
  ['staff-refresh', 'POST', '/api/v1/users/token/refresh/'],
  ['employee-refresh', 'POST', '/api/v1/hdts/employees/api/token/refresh/'],
  ['choose-system', 'POST', '/api/v1/users/welcome/'],
  ['staff-logout', 'POST', '/api/v1/users/logout/'],
  ['employee-logout', 'POST', '/api/v1/hdts/employees/api/logout/'],
] as const;

export type EndpointName = (typeof routes)[number][0];

/** Names of all endpoints, in the order of the specification. */
export const endpointNames: readonly EndpointName[] = routes.map(([name]) => name);

export const isEndpointName = (name: string): name is EndpointName =>
  (endpointNames as readonly string[]).includes(name);

export type Endpoint = { name: EndpointName; method: 'GET' | 'POST'; parameter: string };

const patterns = routes.map(([name, method, path]) => ({
  name,
  method,
  pattern: new RegExp(`^${path.replace('<int>', '(\\d+)').replace('<str>', '([^/]+)')}$`),
}));

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

/** The endpoint at a path, for any method. The path has a trailing slash and no query. */
export const findEndpoint = (path: string): Endpoint | null => {
  for (const { name, method, pattern } of patterns) {
    const match = pattern.exec(path);
    if (match) return { name, method, parameter: decoded(match[1] ?? '') };
  }
  return null;
};
