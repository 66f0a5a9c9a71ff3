import { abortable } from './abortable.ts';
import { isAuthError } from './errors.ts';
import { CannotRefresh, type SessionKeeper } from './session-keeper.ts';
import { type AuthFetch, withCredentials } from './transport.ts';

export type SessionFetchOptions = { keeper: SessionKeeper; fetch: AuthFetch | undefined };

/** A stream can be read once, and so cannot be sent again. Node takes anything that is read asynchronously for one. */
const canBeSentAgain = (body: unknown): boolean =>
  !(typeof body === 'object' && body !== null && ('getReader' in body || Symbol.asyncIterator in body));

/**
 * `fetch` for a system's own backend, which reads the same cookies. On its 401 the session is refreshed once, and
 * the request sent once more where its body can be. Resolves with the second answer, or with the 401 where the
 * session has ended; rejects where the refresh failed for another reason, since an outage is no sign-out.
 */
export const createSessionFetch = ({ keeper, fetch: own }: SessionFetchOptions): AuthFetch => {
  const fetch = withCredentials(own);
  return async (input, init) => {
    keeper.onCall();
    const sentIn = keeper.epoch();
    const again = input instanceof Request ? input.clone() : input;
    const answer = await fetch(input, init);
    const isOver = keeper.current().state === 'signed_out';
    if (answer.status !== 401 || isOver || !canBeSentAgain(init?.body)) return answer;
    try {
      await abortable(keeper.refresh(sentIn), init?.signal ?? (again instanceof Request ? again.signal : null));
    } catch (error) {
      if (error instanceof CannotRefresh || isAuthError(error)) return answer;
      throw error;
    }
    // Not read by anybody, it would hold its connection.
    await answer.body?.cancel().catch(() => {});
    return fetch(again, init);
  };
};
