import type { Clock } from '../clock.ts';
import { isPerson, type SessionUser } from './session-snapshot.ts';

/** What tabs tell each other. Never a token. */
export type TabMessage =
  | {
      /** `changed`: an answer said that the session is of another person, who signed in without this client or on another origin. */
      type: 'refreshed' | 'signed_in' | 'changed';
      epoch: number;
      expiresIn: number | null;
      refreshIn: number | null;
      /** Null: who it was. */
      user: SessionUser | null;
    }
  | { type: 'signed_out' };

/** The part of a BroadcastChannel that is used. */
export type Channel = {
  postMessage: (message: unknown) => void;
  addEventListener: (type: 'message', listener: (event: { data: unknown }) => void) => void;
  removeEventListener: (type: 'message', listener: (event: { data: unknown }) => void) => void;
  close: () => void;
};

/** The part of `navigator.locks` that is used. */
export type Locks = {
  request: <Result>(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    task: (lock: unknown) => Promise<Result>,
  ) => Promise<Result>;
};

export type TabsOptions = {
  /** What the lock is called: one for all tabs of one BFF. */
  name: string;
  /** Null: there are no other tabs to talk to. */
  channel: Channel | null;
  /** Null: nothing keeps two tabs from refreshing at once but the server's tolerance. */
  locks: Locks | null;
  clock: Clock;
  onMessage: (message: TabMessage) => void;
};

/** How long a tab waits for its turn. Locks were seen to hang; then it goes on without. */
const lockWaitMs = 5_000;

/** A tab that still runs another version of this code may say anything. */
const isTabMessage = (data: unknown): data is TabMessage => {
  const { type, epoch, expiresIn, refreshIn, user } = (data ?? {}) as Partial<Record<string, unknown>>;
  if (type === 'signed_out') return true;
  const areNumbers = [epoch, expiresIn ?? 0, refreshIn ?? 0].every(Number.isSafeInteger);
  return areNumbers && ((type === 'refreshed' && user === null) || isPerson(user));
};

/** The other tabs of this BFF. */
export const createTabs = ({ name, channel, locks, clock, onMessage }: TabsOptions) => {
  let isOpen = channel !== null;
  const listen = ({ data }: { data: unknown }) => {
    if (isOpen && isTabMessage(data)) onMessage(data);
  };
  channel?.addEventListener('message', listen);

  return {
    tell(message: TabMessage): void {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
      if (isOpen) channel?.postMessage(message);
    },
    /**
     * Runs `task` while no other tab does, as far as locks can be had: for those it waits, but not for ever.
     * Resolves with null as soon as `leave` aborts. No listener's code runs under the lock.
     *
     * `request`: a request of the caller's that is under way. If it is answered before the locks are, the locks hang, and
     * the task runs without: a hidden tab cannot measure that by a timer.
     */
    exclusively: <Result>(
      task: (hasWaited: boolean) => Promise<Result>,
      leave: AbortSignal,
      request: Promise<unknown> | null,
    ): Promise<Result | null> =>
      new Promise((resolve) => {
        const giveUp = new AbortController();
        let hasBegun = false;
        let isAnswered = false;
        let result: Promise<Result> | null = null;
        let timer: unknown = null;
        const begin = (hasWaited: boolean): Promise<Result> | null => {
          if (hasBegun) return result;
          hasBegun = true;
          clock.clearTimeout(timer);
          result = task(hasWaited);
          return result;
        };
        leave.addEventListener('abort', () => {
          hasBegun = true;
          clock.clearTimeout(timer);
          giveUp.abort();
          resolve(null);
        });
        if (locks === null) {
          resolve(begin(false));
          return;
        }
        const goOnWithout = () => {
          resolve(begin(true));
          giveUp.abort();
        };
        timer = clock.setTimeout(goOnWithout, lockWaitMs);
        void request?.then(() => {
          if (!isAnswered) goOnWithout();
        });
        const wait = async () => {
          const isOurs = await locks.request(name, { ifAvailable: true }, async (lock) => {
            isAnswered = true;
            if (lock !== null) await begin(false);
            return lock !== null;
          });
          if (!isOurs && !hasBegun) await locks.request(name, { signal: giveUp.signal }, async () => begin(true));
        };
        // Only now, with the lock given back: who waits for the result may take their time.
        wait().then(
          () => resolve(result),
          () => resolve(begin(false)),
        );
      }),
    close(): void {
      isOpen = false;
      channel?.removeEventListener('message', listen);
      channel?.close();
    },
  };
};

export type Tabs = ReturnType<typeof createTabs>;
