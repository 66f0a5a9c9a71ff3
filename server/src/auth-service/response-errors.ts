import { AppError } from '../errors.ts';
import { toUrl } from '../platform/to-url.ts';
import type { Endpoint } from './endpoints.ts';
import type { Answer } from './transport.ts';

/**
 * A 404 whose body is a page. It may be a proxy's, or say that the path is not there, so that it is no proof that a
 * person was deleted.
 */
export class NotFoundPageError extends AppError {}

export const brokenContract = (endpoint: Endpoint, what: string, cause?: unknown): AppError =>
  new AppError('auth_service_contract', {
    message: `The Auth Service's answer to ${endpoint.name} is not as agreed: ${what}.`,
    cause,
  });

/** Whether a body is declared as JSON, or as nothing. */
export const isJson = (contentType: string | null) =>
  contentType === null || /^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(contentType.trim());

/** The JSON of an answer. Throws `auth_service_contract`, which never quotes the body. */
export const readJson = (endpoint: Endpoint, answer: Answer): unknown => {
  if (answer.body.trim() === '') throw brokenContract(endpoint, `status ${answer.status} with an empty body`);
  if (!isJson(answer.contentType)) {
    throw brokenContract(endpoint, `status ${answer.status} with a body that is not declared as JSON`);
  }
  try {
    return JSON.parse(answer.body);
  } catch {
    // The parser's own message would quote the body.
    throw brokenContract(endpoint, `status ${answer.status} with a body that is not JSON`);
  }
};

/** Date.parse reads a date into nearly anything (`soon 5` is in May 2001), and a date without GMT as a local one. */
const httpDateToMs = (text: string): number =>
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*[ ,].*\d{2}:\d{2}:\d{2}/.test(text)
    ? Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
    : Number.NaN;

/** Seconds from `Retry-After`, as seconds or as a date (RFC 9110, section 10.2.3), between 1 and 300; null without it. */
export const retryAfterOf = (answer: Answer, nowMs: number): number | null => {
  const text = answer.retryAfter?.trim() ?? '';
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((httpDateToMs(text) - nowMs) / 1000);
  return Number.isFinite(seconds) ? Math.min(300, Math.max(1, seconds)) : null;
};

/** A redirect to the same path but for its slash, or to https: not a login page, but a wrong AUTH_SERVICE_URL. */
export const isCanonicalRedirect = (endpoint: Endpoint, answer: Answer): boolean => {
  const location = answer.location === null ? null : toUrl(answer.location, 'http://any');
  if (location === null) return false;
  const trim = (path: string) => path.replace(/\/+$/, '');
  return trim(location.pathname).endsWith(trim(endpoint.path));
};

/**
 * What a status other than success means, for a call that carried a person's token (or the API key).
 * Returns nothing for a success. An outage is never a sign-out.
 * Source: the guide's "Error Handling"; a 3xx of the deployed service means "not authenticated".
 */
export const statusToError = (endpoint: Endpoint, answer: Answer, nowMs: number): AppError | null => {
  const { status } = answer;
  if (status === 200 || status === 201) return null;
  if (status >= 500 || status === 429 || status === 408) {
    return new AppError('auth_service_unavailable', {
      cause: `status ${status} from ${endpoint.name}`,
      retryAfterSeconds: retryAfterOf(answer, nowMs) ?? 5,
      upstream: status,
    });
  }
  const isRedirect = status >= 300 && status < 400;
  if (isRedirect && isCanonicalRedirect(endpoint, answer)) {
    return brokenContract(endpoint, `it redirects to the same path (status ${status}): check AUTH_SERVICE_URL`);
  }
  const isRefusal = status === 401 || status === 403 || isRedirect;
  if (isRefusal && endpoint.internal === true) {
    return brokenContract(endpoint, `it refuses AUTH_API_KEY (status ${status})`);
  }
  if (status === 401 || isRedirect)
    return new AppError('session_ended', { cause: `status ${status} from ${endpoint.name}` });
  if (status === 403) return new AppError('insufficient_permissions', { cause: `status 403 from ${endpoint.name}` });
  if (status === 404 && endpoint.notFound !== undefined) {
    return isJson(answer.contentType) ? new AppError(endpoint.notFound) : new NotFoundPageError(endpoint.notFound);
  }
  return brokenContract(endpoint, `status ${status}`);
};
