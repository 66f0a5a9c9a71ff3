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
  ['staff-profile-update', 'PUT, PATCH', '/api/v1/users/profile/'],
  ['employee-profile', 'GET', '/api/v1/hdts/employees/api/profile/'],
  ['employee-profile-update', 'PUT, PATCH', '/api/v1/hdts/employees/api/profile/'],
  ['me', 'GET', '/api/me/'],
  ['by-company', 'GET', '/api/v1/users/profile/by-company/<str>/'],
  ['staff-login', 'POST', '/api/v1/users/login/api/'],
  ['staff-otp', 'POST', '/api/v1/users/login/verify-otp/'],
  ['staff-otp-resend', 'POST', '/api/v1/users/2fa/request-otp-authenticated/'],
  ['staff-second-factor-enable', 'POST', '/api/v1/users/2fa/enable/'],
  ['staff-second-factor-disable', 'POST', '/api/v1/users/2fa/disable/'],
  ['employee-second-factor-enable', 'POST', '/api/v1/hdts/employees/api/2fa/enable/'],
  ['employee-second-factor-disable', 'POST', '/api/v1/hdts/employees/api/2fa/disable/'],
  ['staff-password-change', 'POST', '/api/v1/users/password/change/'],
  ['staff-password-change-older', 'POST', '/api/v1/users/change-password/'],
  ['employee-password-change', 'POST', '/api/v1/hdts/employees/api/profile/change-password/'],
  ['staff-password-forgot', 'POST', '/api/v1/users/password/forgot/'],
  ['employee-password-forgot', 'POST', '/api/v1/hdts/employees/api/password/forgot/'],
  // Mails link to this path without its trailing slash.
  ['staff-password-reset-page', 'GET', '/api/v1/users/password/reset/?'],
  ['staff-password-reset', 'POST', '/api/v1/users/password/reset/'],
  ['employee-password-reset', 'POST', '/api/v1/hdts/employees/api/password/reset/'],
  ['media', 'GET', '/media/<path>'],
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

export type Endpoint = {
  name: EndpointName;
  isMethodAllowed: boolean;
  /** All methods of the path, as the header `Allow`. */
  allow: string;
  parameter: string;
};

const patterns = routes.map(([name, methods, path]) => ({
  name,
  methods,
  pattern: new RegExp(`^${path.replace('<int>', '(\\d+)').replace('<str>', '([^/]+)').replace('<path>', '(.+)')}$`),
}));

const decoded = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
};

/**
 * The endpoint at a path without query. Of several endpoints at one path, the one with this method, or else the first
 * one.
 */
export const findEndpoint = (path: string, method: string): Endpoint | null => {
  const matches = patterns.filter(({ pattern }) => pattern.test(path));
  const allows = ({ methods }: (typeof patterns)[number]) => methods.split(', ').includes(method);
  const found = matches.find(allows) ?? matches[0];
  if (found === undefined) return null;
  return {
    name: found.name,
    isMethodAllowed: allows(found),
    allow: matches.map(({ methods }) => methods).join(', '),
    parameter: decoded(found.pattern.exec(path)?.[1] ?? ''),
  };
};
