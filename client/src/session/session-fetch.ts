import { abortable } from '../abortable.ts';
import { isAuthError } from '../errors.ts';
import { CannotRefresh, type SessionKeeper } from './session-manager.ts';
import { type AuthFetch, withCredentials } from '../transport.ts';

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
    const request = typeof Request !== 'undefined' && input instanceof Request ? input : null;
    const signal = init?.signal ?? request?.signal;
    const wait = keeper.restoring();
    if (wait !== null) await abortable(wait, signal);
    keeper.onCall();
    const send = async (target: typeof input) => {
      const sentIn = keeper.epoch();
      const answer = await fetch(target, init);
      // A backend may pass on what the BFF says of the session.
      keeper.onAnswer(answer.headers, sentIn);
      return { answer, sentIn };
    };
    const again = request?.clone() ?? input;
    const { answer, sentIn } = await send(input);
    const isOver = keeper.current().state === 'signed_out';
    if (answer.status !== 401 || isOver || !canBeSentAgain(init?.body)) return answer;
    try {
      await abortable(keeper.refresh(sentIn), signal);
    } catch (error) {
      if (error instanceof CannotRefresh || isAuthError(error)) return answer;
      throw error;
    }
    // Not read by anybody, it would hold its connection.
    await answer.body?.cancel().catch(() => {});
    return (await send(again)).answer;
  };
};
