import type { Endpoint } from '../auth-service/endpoints.ts';
import { isCanonicalRedirect, isJson } from '../auth-service/response-errors.ts';
import type { UpstreamResponse } from '../auth-service/transport.ts';
import { toUrl } from '../platform/to-url.ts';
import {
  type EndpointProbe,
  isResponse,
  type Outcome,
  type ProbedEndpoint,
  type TokenProbe,
} from './probe-endpoints.ts';

/**
 * `unknown`: responds like a path that cannot exist, but not with 404. `page`: HTML instead of JSON. `refused`: 403 with
 * a page.
 */
type State = 'exists' | 'redirected' | 'missing' | 'page' | 'refused' | 'failing' | 'unknown';

export type EndpointState = ProbedEndpoint & { state: State };

/** The path of a redirect, without its query, which may contain the requested path. Null if there is none. */
export const redirectPathOf = ({ location }: UpstreamResponse): string | null =>
  location === null ? null : (toUrl(location, 'http://any')?.pathname ?? null);

const isLikeMissingPath = (response: UpstreamResponse, missingPath: Outcome): boolean =>
  isResponse(missingPath) &&
  response.status === missingPath.status &&
  redirectPathOf(response) === redirectPathOf(missingPath) &&
  isJson(response.contentType) === isJson(missingPath.contentType);

const stateOf = (endpoint: Endpoint, outcome: Outcome, missingPath: Outcome): State => {
  if (!isResponse(outcome)) return 'failing';
  const { status, contentType } = outcome;
  if (status >= 500 || status === 429 || status === 408) return 'failing';
  if (status >= 300 && status < 400 && isCanonicalRedirect(endpoint, outcome)) return 'redirected';
  if (status === 404) {
    // A lookup may respond with a JSON 404 about a person.
    const mayConcernPerson = endpoint.isRead && isJson(contentType);
    const isSameForAnyPath = isResponse(missingPath) && missingPath.body === outcome.body;
    return mayConcernPerson && !isSameForAnyPath ? 'exists' : 'missing';
  }
  if (status < 300 && !isJson(contentType)) return 'page';
  if (isLikeMissingPath(outcome, missingPath)) return 'unknown';
  return status === 403 && !isJson(contentType) ? 'refused' : 'exists';
};

const toStates = ({ endpoints, missingPath }: TokenProbe): EndpointState[] =>
  endpoints.map((probed) => ({ ...probed, state: stateOf(probed.endpoint, probed.outcome, missingPath) }));

/** Endpoints whose existence is unknown without a token. */
export const unknownEndpoints = (probe: EndpointProbe): Endpoint[] =>
  [...toStates(probe), ...toStates({ ...probe, endpoints: probe.account })]
    .filter(({ state }) => state === 'unknown')
    .map(({ endpoint }) => endpoint);

/** The state of each endpoint. The probe with a token decides for endpoints that are unknown without one. */
export const assessEndpoints = (probe: EndpointProbe, withToken: TokenProbe | null): EndpointState[] => {
  const states = toStates(probe);
  if (withToken === null) return states;
  const byPath = new Map(toStates(withToken).map((entry) => [entry.endpoint.path, entry]));
  return states.map((entry) => (entry.state === 'unknown' ? (byPath.get(entry.endpoint.path) ?? entry) : entry));
};
