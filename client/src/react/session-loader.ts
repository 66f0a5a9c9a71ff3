import { systemClock } from '../clock.ts';
import type { AuthSession } from '../create-auth-client.ts';
import { managerOf } from '../session/manager-of.ts';

const firstDelayMs = 2_000;
const maxDelayMs = 30_000;

export type SessionLoaderOptions = {
  session: AuthSession;
  /** Called before each request: the session may have become known without one. */
  beforeLoad: () => void;
  /** Called when the BFF has been asked, whether it answered or not. */
  onAsked: () => void;
};

/** Asks who is signed in, and asks again with growing delays until the session is known. */
export const createSessionLoader = ({ session, beforeLoad, onAsked }: SessionLoaderOptions) => {
  const manager = managerOf.get(session);
  const clock = manager?.clock ?? systemClock;
  let isWanted = false;
  let isScheduled = false;
  let isAsking = false;
  let failures = 0;
  let timer: unknown = null;

  const isNeeded = () => isWanted && session.current.state === 'unknown' && manager?.isDisposed() !== true;

  const ask = async (): Promise<void> => {
    timer = null;
    if (isAsking || !isNeeded()) return;
    isAsking = true;
    await session.load().catch(() => {});
    isAsking = false;
    onAsked();
    if (!isNeeded()) return;
    timer = clock.setTimeout(() => void ask(), Math.min(maxDelayMs, firstDelayMs * 2 ** failures));
    failures += 1;
  };

  return {
    /** Asks after the current task, unless the session is known by then. */
    start(): void {
      isWanted = true;
      if (isScheduled || timer !== null) return;
      isScheduled = true;
      // Not at once: the other effects of this render may hydrate the session, and in StrictMode the first effect is undone.
      queueMicrotask(() => {
        isScheduled = false;
        if (!isNeeded()) return;
        beforeLoad();
        void ask();
      });
    },
    /** Nobody waits for the session any more, or it is known. */
    stop(): void {
      isWanted = false;
      failures = 0;
      if (timer !== null) clock.clearTimeout(timer);
      timer = null;
    },
  };
};
