import { AppError } from '../../errors.ts';
import type { Endpoint } from '../endpoints.ts';
import { isCanonicalRedirect, isRedirect } from '../response-errors.ts';
import type { UpstreamResponse } from '../transport.ts';

/** `problem` completes the sentence after the endpoint. */
export const notSupported = ({ method, path }: Pick<Endpoint, 'method' | 'path'>, problem = 'is missing'): AppError =>
  new AppError('not_supported', { message: `The Auth Service does not offer this: ${method} ${path} ${problem}.` });

/**
 * Whether the response means that the service lacks the endpoint. The deployed service redirects every unknown path to
 * its login page if there is no token. With one, a redirect there means that the token is invalid.
 */
export const isMissingEndpoint = (endpoint: Endpoint, response: UpstreamResponse): boolean => {
  const { status } = response;
  if (status === 404 || status === 405) return true;
  return endpoint.audience === 'none' && isRedirect(status) && !isCanonicalRedirect(endpoint, response);
};
