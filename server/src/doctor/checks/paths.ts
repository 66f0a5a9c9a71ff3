import type { Endpoint } from '../../auth-service/endpoints.ts';
import type { UpstreamResponse } from '../../auth-service/transport.ts';
import { type Finding, ok, problem, unchecked, warning } from '../finding.ts';
import { type EndpointProbe, isResponse, type TokenProbe } from '../probe-endpoints.ts';
import { assessEndpoints, type EndpointState, redirectPathOf } from '../endpoint-states.ts';
import { type Explanation, explainOutcome } from './reachable.ts';

const name = 'paths';

/** Endpoints that a service may lack, because the BFF has a fallback. */
const optional = new Set(['me', 'staff-refresh', 'employee-refresh']);
/** These are called without a token, so a redirect to the login page means that they are missing. */
const signIns = new Set(['staff-sign-in', 'employee-sign-in']);

const fixBase =
  'Set AUTH_SERVICE_URL to the part of the address before /api/, and check whether this is the Auth Service';

const namesOf = (endpoints: readonly Endpoint[]): string => {
  const names = endpoints.map((endpoint) => endpoint.name);
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ');
};

/** Explains a redirect to the same path. */
const explainRedirect = (url: string, endpoint: Endpoint, { location }: UpstreamResponse): Explanation => {
  const from = new URL(`${url}${endpoint.path}`);
  const to = new URL(location ?? '', from);
  if (!/^https?:$/.test(to.protocol)) {
    return {
      message: 'redirects to an address that is not http or https',
      fix: 'Check which service listens at AUTH_SERVICE_URL',
    };
  }
  const base = to.pathname.slice(0, to.pathname.lastIndexOf(endpoint.path.replace(/\/$/, '')));
  const target = `${to.origin}${base}`.replace(/\/+$/, '');
  if (target !== url) {
    return { message: `redirects to the same path at ${target}`, fix: `Set AUTH_SERVICE_URL to ${target}` };
  }
  return {
    message: 'redirects to the same path with or without its trailing slash',
    fix: 'Make the proxy in front of the Auth Service keep the trailing slash',
  };
};

/** The response to a path that cannot exist, such as `status 302 to /staff/login/`. */
const describeMissingPath = ({ missingPath }: EndpointProbe): string => {
  if (!isResponse(missingPath)) return 'no response';
  const path = redirectPathOf(missingPath);
  return `status ${missingPath.status}${path === null ? '' : ` to ${path}`}`;
};

/** The first problem, or null. Later ones are often consequences of the first. */
const findProblem = (url: string, probe: EndpointProbe, states: readonly EndpointState[]): Finding | null => {
  const of = (state: EndpointState['state']) => states.filter((entry) => entry.state === state);
  const endpointsOf = (state: EndpointState['state']) => of(state).map(({ endpoint }) => endpoint);

  const [redirected] = of('redirected');
  if (redirected !== undefined && isResponse(redirected.outcome)) {
    const { message, fix } = explainRedirect(url, redirected.endpoint, redirected.outcome);
    return problem(name, `${namesOf(endpointsOf('redirected'))} ${message} (status ${redirected.outcome.status})`, fix);
  }
  const [failing] = of('failing');
  if (failing !== undefined) {
    const { message, fix } = explainOutcome(failing.outcome);
    return problem(name, `${namesOf(endpointsOf('failing'))} fails: ${message}`, fix);
  }
  const unknown = endpointsOf('unknown');
  const missingResponse = describeMissingPath(probe);
  if (unknown.length === states.length) {
    return problem(name, `every path responds like a path that cannot exist (${missingResponse})`, fixBase);
  }
  const missing = endpointsOf('missing').filter((endpoint) => !optional.has(endpoint.name));
  if (missing.length > 0) return problem(name, `${namesOf(missing)} does not exist (status 404)`, fixBase);
  const missingSignIns = unknown.filter((endpoint) => signIns.has(endpoint.name));
  if (missingSignIns.length > 0) {
    const message = `${namesOf(missingSignIns)} responds like a path that cannot exist (${missingResponse}), so these people cannot sign in`;
    return problem(name, message, fixBase);
  }
  const pages = endpointsOf('page');
  if (pages.length > 0) {
    return problem(
      name,
      `${namesOf(pages)} responds with a page instead of JSON`,
      'Check whether AUTH_SERVICE_URL leads to the Auth Service and not to another site or a proxy page',
    );
  }
  const refused = endpointsOf('refused');
  if (refused.length === 0) return null;
  return warning(
    name,
    `${namesOf(refused)} is refused with a page (status 403), probably by a proxy`,
    'Check the proxy in front of the Auth Service',
  );
};

/**
 * Whether every called endpoint exists and is not redirected. The deployed service redirects every request without a
 * token to its login page, so an endpoint exists for certain only if it responds differently from a path that cannot
 * exist. `withToken` has the responses to a token.
 */
export const checkPaths = (url: string, probe: EndpointProbe, withToken: TokenProbe | null = null): Finding[] => {
  const states = assessEndpoints(probe, withToken);
  const found = findProblem(url, probe, states);
  if (found !== null) return [found];
  const unknown = states.filter(({ state }) => state === 'unknown').map(({ endpoint }) => endpoint);
  const existing = states.filter(({ state }) => state !== 'unknown' && state !== 'missing').length;
  if (unknown.length === 0) return [ok(name, `all ${existing} called endpoints exist, and none is redirected`)];
  return [
    ok(name, `${existing} of the ${states.length} called endpoints exist, and none is redirected`),
    unchecked(
      name,
      `the Auth Service responds to ${namesOf(unknown)} as to a path that cannot exist (${describeMissingPath(probe)})`,
      withToken === null
        ? 'Pipe in an access token (--token -) to check most of them'
        : 'Pipe in a token of the other person type as well; sign-out is never checked',
    ),
  ];
};
