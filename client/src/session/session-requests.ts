import { csrfHeader, csrfValue, type Session } from '@auth-bff/shared';
import { TRPCClientError } from '@trpc/client';
import type { Clock } from '../clock.ts';
import type { AuthFetch, AuthHeaders } from '../transport.ts';
import { readSession, type SessionPath } from './read-session.ts';
import type { ResponseHeaders } from './session-headers.ts';

export type SessionOutcome =
  /** The session is valid with the current cookies. `isNew`: the token was issued by this request. */
  | { kind: 'active'; session: Session; headers: ResponseHeaders; isNew: boolean }
  /** The access token has expired; a refresh may help. */
  | { kind: 'expired' }
  /** The refresh token was already exchanged, and newer cookies exist. */
  | { kind: 'superseded' }
  /** The session has ended. */
  | { kind: 'ended' }
  /** The network or the service failed. */
  | { kind: 'failed'; error: TRPCClientError<never> }
  /** The `headers` option sets the cookie or the token: a refresh could not replace it. */
  | { kind: 'not_refreshable' };

export type SessionCheck = Exclude<SessionOutcome, { kind: 'superseded' }>;
export type RefreshOutcome = Exclude<SessionOutcome, { kind: 'expired' }>;

export type SessionRequestsOptions = {
  url: string;
  fetch: AuthFetch;
  headers: () => Promise<AuthHeaders>;
  timeoutMs: number;
  clock: Clock;
};

/** `session.refresh` and `session.current`, without a link chain. They never reject. */
export const createSessionRequests = ({ url, fetch, headers, timeoutMs, clock }: SessionRequestsOptions) => {
  const send = async (path: SessionPath, init: RequestInit): Promise<SessionOutcome> => {
    const own = await headers();
    const isOwnSession = Object.keys(own).some((name) => /^(cookie|authorization)$/i.test(name));
    if (isOwnSession && path === 'refresh') return { kind: 'not_refreshable' };
    const allHeaders = { ...own, ...(init.headers as AuthHeaders), [csrfHeader]: csrfValue };
    return readSession(path, await fetch(`${url}/session.${path}`, { ...init, headers: allHeaders }));
  };

  const sendWithTimeout = async (
    path: SessionPath,
    init: RequestInit,
    signal?: AbortSignal,
  ): Promise<SessionOutcome> => {
    const controller = new AbortController();
    let timer: unknown;
    // Rejects by itself, since a custom `fetch` may ignore the signal.
    const aborted = new Promise<never>((_resolve, reject) => {
      const onAbort = () => reject(new TypeError(`No response within ${timeoutMs} ms.`));
      controller.signal.addEventListener('abort', onAbort);
      timer = clock.setTimeout(() => controller.abort(), timeoutMs);
    });
    signal?.addEventListener('abort', () => controller.abort());
    try {
      return await Promise.race([aborted, send(path, { ...init, signal: controller.signal })]);
    } catch (error) {
      return { kind: 'failed', error: TRPCClientError.from<never>(error as Error) };
    } finally {
      clock.clearTimeout(timer);
    }
  };

  return {
    /** Exchanges the refresh token. */
    refresh: (signal: AbortSignal) =>
      sendWithTimeout(
        'refresh',
        // `keepalive`: a page that is closed now must not lose the new tokens, since the old refresh token is used up.
        { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}', keepalive: true },
        signal,
      ) as Promise<RefreshOutcome>,
    /** Asks for the session of the current cookies. Without a session the response is not a 401. */
    check: () => sendWithTimeout('current', {}) as Promise<SessionCheck>,
  };
};

export type SessionRequests = ReturnType<typeof createSessionRequests>;
