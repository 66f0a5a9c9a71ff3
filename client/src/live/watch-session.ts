import type { Operation } from '@trpc/client';
import type { Unsubscribable } from '@trpc/server/observable';
import type { SessionManager } from '../session/session-manager.ts';

const onEnd: Operation = {
  id: 0,
  type: 'subscription',
  path: 'session.onEnd',
  input: undefined,
  context: {},
  signal: null,
};

type Subscribe = (op: Operation) => { subscribe: (observer: object) => Unsubscribable };

/**
 * Subscribes to the end of the session while there is one. The stream itself informs the session manager. If it fails, as with a
 * BFF that does not have the procedure, it is not opened again before the next sign-in. Returns a function that stops this.
 */
export const watchSession = (manager: SessionManager, subscribe: Subscribe): (() => void) => {
  let stream: Unsubscribable | null = null;
  const stop = () => {
    const ending = stream;
    stream = null;
    ending?.unsubscribe();
  };
  const update = () => {
    const { state } = manager.current();
    if (state === 'signed_in' || state === 'changed') stream ??= subscribe(onEnd).subscribe({});
    else stop();
  };
  const unsubscribe = manager.subscribe(update, true);
  return () => {
    unsubscribe();
    stop();
  };
};
