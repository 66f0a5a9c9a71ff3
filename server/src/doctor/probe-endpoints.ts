import type { PersonType } from '@auth-bff/shared';
import { accountEndpoints } from '../auth-service/account/account-endpoints.ts';
import { type Endpoint, endpoints } from '../auth-service/endpoints.ts';
import { isJson } from '../auth-service/response-errors.ts';
import type { Transport, UpstreamRequest, UpstreamResponse } from '../auth-service/transport.ts';
import { type AppError, isAppError } from '../errors.ts';

export type Outcome = UpstreamResponse | AppError;

export type ProbedEndpoint = { endpoint: Endpoint; outcome: Outcome };

/** Responses to GET requests without a token, which have no side effects. */
export type EndpointProbe = {
  /** The first response. It shows whether the service is available. */
  first: Outcome;
  /** Times of the first request and response, in milliseconds since the epoch. */
  sentAtMs: number;
  receivedAtMs: number;
  /** The response to a path that cannot exist. */
  missingPath: Outcome;
  /** The response to the login page, which only the deployed service has. */
  loginPage: Outcome;
  /** Empty if the service is unavailable or refuses the Host header. */
  endpoints: readonly ProbedEndpoint[];
  /** Endpoints of `account.*`, which a service may lack. */
  account: readonly ProbedEndpoint[];
};

export type ProbeEndpointsOptions = { transport: Pick<Transport, 'request'>; now: () => number };

/** Id in the probed paths. The person need not exist. */
const sampleId = 1;

const calledEndpoints: readonly Endpoint[] = [
  endpoints.user(sampleId),
  endpoints.users,
  endpoints.usersByRole,
  endpoints.userByCompanyId('MA0001'),
  endpoints.employee(sampleId),
  endpoints.staffProfile,
  endpoints.employeeProfile,
  endpoints.whoseToken,
  endpoints.signIn.staff,
  endpoints.signIn.employee,
  endpoints.verifyOtp.staff,
  endpoints.verifyOtp.employee,
  endpoints.refresh.staff,
  endpoints.refreshOlder.staff,
  endpoints.refreshOlder.employee,
  endpoints.signOut.staff,
  endpoints.signOut.employee,
];

/** Without those of the profile: a GET cannot tell whether it may be changed. */
const accountEndpointList: readonly Endpoint[] = [
  accountEndpoints.changePassword.staff,
  accountEndpoints.changePassword.employee,
  accountEndpoints.changePasswordOlder,
  accountEndpoints.requestPasswordReset.staff,
  accountEndpoints.requestPasswordReset.employee,
  accountEndpoints.resetPassword.staff,
  accountEndpoints.resetPassword.employee,
  accountEndpoints.enableSecondFactor.staff,
  accountEndpoints.enableSecondFactor.employee,
  accountEndpoints.disableSecondFactor.staff,
  accountEndpoints.disableSecondFactor.employee,
  accountEndpoints.requestCode,
];

const page = (name: string, path: string): Endpoint => ({
  name,
  method: 'GET',
  path,
  audience: 'none',
  isRead: true,
  deadlineMs: 3_000,
});
/** Under `/api/v1/`, so that proxies route it like the endpoints. */
const missingPath = page('no-such-path', '/api/v1/no-such-path-asked-by-auth-bff-doctor/');
const loginPage = page('login-page', '/staff/login/');

export const outcomeOf = (response: Promise<UpstreamResponse>): Promise<Outcome> =>
  response.catch((error: unknown) => {
    if (isAppError(error)) return error;
    throw error;
  });

export const isResponse = (outcome: Outcome): outcome is UpstreamResponse => !isAppError(outcome);

/** A GET without the API key. */
const toProbe = ({ internal: _internal, ...endpoint }: Endpoint): Endpoint => ({ ...endpoint, method: 'GET' });

const createProber = (transport: ProbeEndpointsOptions['transport'], request: UpstreamRequest = {}) => {
  const probe = (endpoint: Endpoint) => outcomeOf(transport.request(toProbe(endpoint), request));
  const probeAll = (list: readonly Endpoint[]): Promise<ProbedEndpoint[]> =>
    Promise.all(list.map(async (endpoint) => ({ endpoint, outcome: await probe(endpoint) })));
  return { probe, probeAll };
};

/** Django responds to every path with 400 and a page if ALLOWED_HOSTS does not contain the Host. */
export const isHostRefused = (probe: Pick<EndpointProbe, 'first' | 'missingPath'>): boolean =>
  [probe.first, probe.missingPath].every(
    (outcome) => isResponse(outcome) && outcome.status === 400 && !isJson(outcome.contentType),
  );

/** Probes every endpoint that the BFF calls, once. */
export const probeEndpoints = async ({ transport, now }: ProbeEndpointsOptions): Promise<EndpointProbe> => {
  const { probe, probeAll } = createProber(transport);
  const sentAtMs = now();
  const first = await probe(endpoints.validateStaff);
  const times = { first, sentAtMs, receivedAtMs: now() };
  const isAvailable = isResponse(first) && first.status < 500 && first.status !== 429;
  if (!isAvailable) return { ...times, missingPath: first, loginPage: first, endpoints: [], account: [] };
  const missing = await probe(missingPath);
  if (isHostRefused({ first, missingPath: missing })) {
    return { ...times, missingPath: missing, loginPage: first, endpoints: [], account: [] };
  }
  const [login, others, account] = await Promise.all([
    probe(loginPage),
    probeAll(calledEndpoints),
    probeAll(accountEndpointList),
  ]);
  return {
    ...times,
    missingPath: missing,
    loginPage: login,
    endpoints: [{ endpoint: endpoints.validateStaff, outcome: first }, ...others],
    account,
  };
};

/** Responses to some endpoints, with a token. */
export type TokenProbe = Pick<EndpointProbe, 'missingPath' | 'endpoints'>;

/**
 * Whether a GET may carry a token of this person type. The common refresh endpoint serves both types. Sign-out endpoints
 * are excluded, because a GET might sign the person out.
 */
const accepts = (type: PersonType) => (endpoint: Endpoint) =>
  endpoint.path === endpoints.refresh.staff.path ||
  (endpoint.audience === type && endpoint.path !== endpoints.signOut[type].path);

export type ProbeWithTokenOptions = {
  transport: Pick<Transport, 'request'>;
  token: string;
  /** Owner of the token. A staff endpoint would read an employee's token as the staff user with that id. */
  type: PersonType;
  endpoints: readonly Endpoint[];
};

/** Probes the endpoints that accept this person type, and a path that cannot exist. */
export const probeWithToken = async (options: ProbeWithTokenOptions): Promise<TokenProbe> => {
  const { transport, token, type } = options;
  const { probe, probeAll } = createProber(transport, { accessToken: token });
  const [missing, probed] = await Promise.all([probe(missingPath), probeAll(options.endpoints.filter(accepts(type)))]);
  return { missingPath: missing, endpoints: probed };
};
