import { abortable } from '../abortable.ts';
import { isAuthError } from '../errors.ts';
import { type AuthFetch, withCredentials } from '../transport.ts';
import { NotRefreshableError } from './in-flight-refresh.ts';
import type { SessionManager } from './session-manager.ts';

export type SessionFetchOptions = { manager: SessionManager; fetch: AuthFetch | undefined };

/** A stream can be read only once. Node accepts any async iterable as a stream. */
const isRepeatable = (body: unknown): boolean =>
  !(typeof body === 'object' && body !== null && ('getReader' in body || Symbol.asyncIterator in body));

/**
 * `fetch` for a backend that reads the same cookies. On its 401 the client refreshes once and repeats the request, unless
 * the body is a stream. Resolves with the second response, or with the 401 if the session has ended. Rejects if the
 * refresh failed for another reason, such as an outage.
 */
export const createSessionFetch = ({ manager, fetch: own }: SessionFetchOptions): AuthFetch => {
  const fetch = withCredentials(own);
  return async (input, init) => {
    const request = typeof Request !== 'undefined' && input instanceof Request ? input : null;
    const signal = init?.signal ?? request?.signal;
    const restoring = manager.restoring();
    if (restoring !== null) await abortable(restoring, signal);
    manager.onCall();
    const send = async (target: typeof input) => {
      const sentIn = manager.epoch();
      const response = await fetch(target, init);
      // A backend may pass the BFF's session headers on.
      manager.onResponse(response.headers, sentIn);
      return { response, sentIn };
    };
    const repeated = request?.clone() ?? input;
    const { response, sentIn } = await send(input);
    const isSignedOut = manager.current().state === 'signed_out';
    if (response.status !== 401 || isSignedOut || !isRepeatable(init?.body)) return response;
    try {
      await abortable(manager.refresh(sentIn), signal);
    } catch (error) {
      if (error instanceof NotRefreshableError || isAuthError(error)) return response;
      throw error;
    }
    // An unread body would keep its connection open.
    await response.body?.cancel().catch(() => {});
    return (await send(repeated)).response;
  };
};
