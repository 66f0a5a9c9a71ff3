import { accessCookie, csrfHeader, csrfValue, refreshCookie, type Session } from '@auth-bff/shared';
import { abortable } from '../abortable.ts';
import { type Clock, systemClock } from '../clock.ts';
import { readSession, type SessionPath } from '../session/read-session.ts';
import { lifetimeOf } from '../session/session-headers.ts';
import type { SessionOutcome } from '../session/session-requests.ts';
import { parseCookies, toCookieHeader, withSetCookies } from './cookie-header.ts';
import type { ServerRequestOptions } from './create-server-client.ts';
import { cookiesOf, forwardedHeaders } from './request-headers.ts';
import { createServerFetch, toServerUrl } from './server-fetch.ts';

export type RefreshOnServerOptions = ServerRequestOptions & {
  /** Milliseconds for all calls together, after which the state is `unknown`. Default: 5,000. */
  timeoutMs?: number | undefined;
  /** Called with the cause if the BFF gives no readable answer. The message contains no cookie. Default: none. */
  onFailure?: ((error: Error) => void) | undefined;
  /** Replaceable in tests. Default: the global timers. */
  clock?: Clock | undefined;
};

/** The session of a request after `refreshOnServer`. */
export type ServerSession = {
  /** `unknown`: the BFF gave no answer, or the browser has newer cookies already. Sign nobody out. */
  state: 'signed_in' | 'signed_out' | 'unknown';
  /** Null unless the state is `signed_in`. */
  session: Session | null;
  /** `Set-Cookie` lines for the browser, unchanged. Send each as a header of its own. Empty if there is nothing to change. */
  setCookies: string[];
  /** The request's `Cookie` header with the new cookies in place, for the rest of the request. Empty: no cookies. */
  cookie: string;
};

type Answer = { outcome: SessionOutcome; setCookies: string[] };

const request: Record<SessionPath, RequestInit> = {
  current: {},
  refresh: { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' },
};

const setsAccessToken = (setCookies: readonly string[]): boolean =>
  withSetCookies([], setCookies).some(({ name }) => name === accessCookie);

/** By the times that the BFF states: its clock and that of this server may differ. */
const needsRefresh = (outcome: SessionOutcome): boolean =>
  outcome.kind === 'expired' || (outcome.kind === 'active' && lifetimeOf(outcome.headers)?.refreshIn === 0);

/**
 * Finds out who is signed in, and refreshes the session if it has expired or is due for a refresh. Call it once at the start
 * of a request. A visitor without cookies is `signed_out` without a call to the BFF. Parallel requests with the same cookies
 * cause one refresh and get the same new cookies.
 *
 * During an outage the state is `unknown`, or `signed_in` if only the early refresh failed; no cookie is set or cleared.
 * Never rejects, except with a `TypeError` for a relative `url`.
 */
export const refreshOnServer = async (options: RefreshOnServerOptions): Promise<ServerSession> => {
  const { timeoutMs = 5_000, onFailure, clock = systemClock } = options;
  const url = toServerUrl(options.url, options.fetch);
  const fetch = createServerFetch(options.fetch);
  const cookies = cookiesOf(options.request);
  const forwarded = forwardedHeaders(options);
  const sent = new Set(parseCookies(forwarded.cookie ?? '').map(({ name }) => name));
  const canRefresh = sent.has(refreshCookie);

  const toResult = (state: ServerSession['state'], session: Session | null, setCookies: string[]): ServerSession => ({
    state,
    session,
    setCookies,
    cookie: toCookieHeader(withSetCookies(cookies, setCookies)),
  });
  if (!sent.has(accessCookie) && !canRefresh && forwarded.authorization === undefined) {
    return toResult('signed_out', null, []);
  }

  const deadline = new AbortController();
  const send = async (path: SessionPath): Promise<Answer> => {
    const { headers, ...init } = request[path];
    const response = await fetch(`${url}/session.${path}`, {
      ...init,
      headers: { ...(headers as Record<string, string>), ...forwarded, [csrfHeader]: csrfValue },
      signal: deadline.signal,
    });
    const outcome = await readSession(path, response);
    const setCookies = response.headers.getSetCookie();
    if (path === 'refresh' && outcome.kind === 'active' && !setsAccessToken(setCookies)) {
      throw new TypeError('The response to the refresh sets no access token. A proxy may have removed Set-Cookie.');
    }
    return { outcome, setCookies };
  };
  /** Null during an outage. */
  const ask = async (path: SessionPath): Promise<Answer | null> => {
    try {
      // Rejects at the deadline, since a custom `fetch` may ignore the signal.
      const answer = await abortable(send(path), deadline.signal);
      if (answer.outcome.kind !== 'failed') return answer;
      onFailure?.(answer.outcome.error);
    } catch (error) {
      onFailure?.(error as Error);
    }
    return null;
  };

  const timer = clock.setTimeout(() => {
    deadline.abort(new TypeError(`The BFF did not respond within ${timeoutMs} ms.`));
  }, timeoutMs);
  try {
    const current = await ask('current');
    if (current?.outcome.kind === 'ended') return toResult('signed_out', null, current.setCookies);
    const known =
      current?.outcome.kind === 'active'
        ? toResult('signed_in', current.outcome.session, current.setCookies)
        : toResult('unknown', null, []);
    if (current === null || !canRefresh || !needsRefresh(current.outcome)) return known;

    const refreshed = await ask('refresh');
    const setCookies = [...current.setCookies, ...(refreshed?.setCookies ?? [])];
    if (refreshed?.outcome.kind === 'active') return toResult('signed_in', refreshed.outcome.session, setCookies);
    if (refreshed?.outcome.kind === 'ended') return toResult('signed_out', null, setCookies);
    // Superseded, or an outage: the session of an early refresh is still valid.
    return known;
  } finally {
    clock.clearTimeout(timer);
  }
};
