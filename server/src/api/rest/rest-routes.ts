import { idempotencyKeyHeader, type Reason } from '@auth-bff/shared';

/** A procedure that REST serves. */
export type RestRoute = {
  method: 'GET' | 'POST';
  /**
   * Below `/bff/api`. A name in braces is the member of the input that the path contains. All other members come from the
   * query of a GET, and from the JSON body of a POST.
   */
  path: `/${string}`;
  /** One line for the reference. */
  summary: string;
  /** What the summary does not say. Markdown. */
  description?: string;
  /** The reason of a 404, if the procedure looks for one person or one assignment. */
  notFound?: Reason;
  /** A repeat with the same `x-idempotency-key` has the outcome of the first request. */
  isRepeatable?: true;
};

/** Why REST does not serve a procedure. */
export type NoRestRoute = { reason: string };

const setsCookies =
  'It sets or clears cookies. Browsers call it over tRPC; other callers send a Bearer token or an API key.';

const streams = 'It is a stream of server-sent events, which tRPC serves.';

const typedInPages = 'It belongs to pages in which people manage their own account. They call it over tRPC.';

/** Every procedure, with its REST route or the reason why it has none. A test compares it to the router. */
export const restRoutes: Readonly<Record<string, RestRoute | NoRestRoute>> = {
  'session.current': {
    reason: 'It is for pages that must not see a 401. GET /session gives the session, or the reason why there is none.',
  },
  'session.me': {
    method: 'GET',
    path: '/session',
    summary: 'The session of the caller: the person, and when the access token expires',
  },
  'session.login': { reason: setsCookies },
  'session.verifyOtp': { reason: setsCookies },
  'session.resendOtp': { reason: typedInPages },
  'session.refresh': { reason: setsCookies },
  'session.logout': { reason: setsCookies },
  'session.logoutEverywhere': { reason: setsCookies },
  'session.validate': {
    reason: 'GET /session already refuses tokens that are invalid or signed out, without a call of the Auth Service.',
  },
  'session.onEnd': { reason: streams },

  'account.profile': { reason: typedInPages },
  'account.updateProfile': { reason: typedInPages },
  'account.changePassword': { reason: typedInPages },
  'account.requestPasswordReset': { reason: typedInPages },
  'account.resetPassword': { reason: typedInPages },
  'account.secondFactor': { reason: typedInPages },

  'users.me': {
    reason: 'GET /session says who the caller is; GET /users/{id} and GET /employees/{id} give the record.',
  },
  'users.byId': { method: 'GET', path: '/users/{id}', summary: 'One staff user by id', notFound: 'user_not_found' },
  'users.byIds': {
    method: 'POST',
    path: '/users/query',
    summary: 'Up to 500 staff users by id',
    description:
      'The users found, in the requested order and each once, and the ids without a user. It fails as a whole if the lookup of one id fails. The rate limit counts it once per 50 ids. It changes nothing: it is a POST because 500 ids do not fit into every URL.',
  },
  'users.byCompanyId': {
    method: 'GET',
    path: '/users/by-company/{companyId}',
    summary: 'One staff user by company id, such as MA0001',
    notFound: 'user_not_found',
  },
  'users.byRole': {
    method: 'GET',
    path: '/systems/{system}/roles/{role}/users',
    summary: 'The ids of everyone with a role in a system',
  },

  'employees.byId': {
    method: 'GET',
    path: '/employees/{id}',
    summary: 'One employee by id',
    description:
      'For staff of HDTS and TTS, and for employees themselves. Ids of employees and of staff users overlap.',
  },

  'assignments.candidates': {
    method: 'GET',
    path: '/assignments/{system}/{role}',
    summary: 'The active people with a role, next in turn first',
  },
  'assignments.peek': {
    method: 'GET',
    path: '/assignments/{system}/{role}/next',
    summary: 'The person whose turn is next',
    description: 'Changes nothing. `exclude` skips people: `?exclude=1&exclude=2` or `?exclude=1,2`.',
  },
  'assignments.next': {
    method: 'POST',
    path: '/assignments/{system}/{role}/next',
    summary: 'Assigns the next person',
    description:
      'The body may be left out. For 24 hours, the same `key` returns the same person: send the id of the ticket, so that a repeated request does not assign twice. People in `exclude` are skipped and keep their turns.',
  },
  'assignments.onTurn': { reason: streams },
  'assignments.reassign': {
    method: 'POST',
    path: '/assignments/{system}/{role}/reassign',
    summary: 'Hands an assignment on to the next person who has not had it',
    description: `The previous person gets their place back. If nobody is left, \`assignee\` is null and the assignment stays as it is. A repeat with the same \`${idempotencyKeyHeader}\` (without that header: with the same \`x-request-id\` within a minute) hands it on once.`,
    notFound: 'assignment_not_found',
    isRepeatable: true,
  },
  'assignments.rotation': {
    method: 'GET',
    path: '/assignments/{system}/{role}/rotation',
    summary: 'The people with a role, next in turn first, with their turns and who is away',
    description: 'People who are away come last. Shows all staff of the system who is away, until when, and the note.',
  },
  'assignments.history': {
    method: 'GET',
    path: '/assignments/{system}/{role}/history',
    summary: 'The last turns of a role, newest first',
    description: 'Who got each turn, and who called. The last 1,000 turns are kept.',
  },
  'assignments.setAvailability': {
    method: 'POST',
    path: '/assignments/{system}/availability',
    summary: 'Says that a person is away from the turns of a system, or back',
    description:
      'Without `userId`: the caller. A service always sends `userId`. `until` and `note` are only for `away: true`; without `until`, the person is away until somebody says that they are back.',
    notFound: 'user_not_found',
  },
  'assignments.reset': {
    method: 'POST',
    path: '/assignments/{system}/{role}/reset',
    summary: "Forgets everybody's place in a rotation",
    description: 'Keys, history and availability stay.',
  },

  'status.get': { method: 'GET', path: '/status', summary: 'The state of the Auth Service, and since when' },
};

export const isRestRoute = (route: RestRoute | NoRestRoute | undefined): route is RestRoute =>
  route !== undefined && 'path' in route;

/** The names in braces of a path. */
export const pathParametersOf = ({ path }: Pick<RestRoute, 'path'>): string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);
