import { AppError } from '../errors.ts';
import { toUrl } from '../platform/to-url.ts';
import type { Endpoint } from './endpoints.ts';
import type { UpstreamResponse } from './transport.ts';

/**
 * A 404 with an HTML page. It may come from a proxy, or mean that the path does not exist, so it does not prove that a
 * person was deleted.
 */
export class NotFoundPageError extends AppError {}

/** `detail` completes the sentence and must not quote the response. */
export const contractError = (endpoint: Endpoint, detail: string, cause?: unknown): AppError =>
  new AppError('auth_service_contract', {
    message: `The Auth Service returned an unexpected response to ${endpoint.name}: ${detail}.`,
    cause,
  });

/** Throws `auth_service_contract` if a record belongs to another person than the requested one. */
export const requireSameId = (endpoint: Endpoint, requested: number, received: number): void => {
  if (requested !== received) throw contractError(endpoint, 'at id: it belongs to another person than requested');
};

/** True also without a Content-Type. */
export const isJson = (contentType: string | null) =>
  contentType === null || /^application\/([\w.+-]+\+)?json\s*(;|$)/i.test(contentType.trim());

/** Parses the body as JSON. Throws `auth_service_contract`, whose message never quotes the body. */
export const readJson = (endpoint: Endpoint, response: UpstreamResponse): unknown => {
  const { status, body, contentType } = response;
  if (body.trim() === '') throw contractError(endpoint, `status ${status} with an empty body`);
  if (!isJson(contentType)) throw contractError(endpoint, `status ${status} with a Content-Type other than JSON`);
  try {
    return JSON.parse(body);
  } catch {
    // No cause: the parser's message would quote the body.
    throw contractError(endpoint, `status ${status} with a body that is not valid JSON`);
  }
};

/** Stricter than `Date.parse`, which accepts `soon 5` as a date in May 2001 and reads a date without GMT as local time. */
const httpDateToMs = (text: string): number =>
  /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]*[ ,].*\d{2}:\d{2}:\d{2}/.test(text)
    ? Date.parse(text.endsWith('GMT') ? text : `${text} GMT`)
    : Number.NaN;

/**
 * Seconds of `Retry-After`, clamped to 1–300. Null if the header is absent or invalid. The header holds seconds or a
 * date (RFC 9110, section 10.2.3).
 */
export const retryAfterSecondsOf = (response: UpstreamResponse, nowMs: number): number | null => {
  const text = response.retryAfter?.trim() ?? '';
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((httpDateToMs(text) - nowMs) / 1000);
  return Number.isFinite(seconds) ? Math.min(300, Math.max(1, seconds)) : null;
};

/**
 * A redirect to the same path with another trailing slash, scheme or host. Its cause is a wrong AUTH_SERVICE_URL, and
 * not a redirect to the login page.
 */
export const isCanonicalRedirect = (endpoint: Endpoint, response: UpstreamResponse): boolean => {
  const location = response.location === null ? null : toUrl(response.location, 'http://any');
  if (location === null) return false;
  const trim = (path: string) => path.replace(/\/+$/, '');
  return trim(location.pathname).endsWith(trim(endpoint.path));
};

export const isRedirect = (status: number) => status >= 300 && status < 400;

/**
 * Maps the status of an authorized call (by token or API key) to an error. Null for 200 and 201. Only a refusal ends a
 * session, never an outage. Source: the guide's "Error Handling". The deployed service sends a 3xx instead of a 401.
 */
export const statusToError = (endpoint: Endpoint, response: UpstreamResponse, nowMs: number): AppError | null => {
  const { status } = response;
  const cause = `status ${status} from ${endpoint.name}`;
  if (status === 200 || status === 201) return null;
  if (status >= 500 || status === 429 || status === 408) {
    const retryAfterSeconds = retryAfterSecondsOf(response, nowMs) ?? 5;
    return new AppError('auth_service_unavailable', { cause, retryAfterSeconds, upstream: status });
  }
  if (isRedirect(status) && isCanonicalRedirect(endpoint, response)) {
    return contractError(endpoint, `it redirects to the same path (status ${status}): check AUTH_SERVICE_URL`);
  }
  if (status === 401 || status === 403 || isRedirect(status)) {
    if (endpoint.internal === true) return contractError(endpoint, `it refuses AUTH_API_KEY (status ${status})`);
    return new AppError(status === 403 ? 'insufficient_permissions' : 'session_ended', { cause });
  }
  if (status === 404 && endpoint.notFound !== undefined) {
    return isJson(response.contentType) ? new AppError(endpoint.notFound) : new NotFoundPageError(endpoint.notFound);
  }
  return contractError(endpoint, `status ${status}`);
};
