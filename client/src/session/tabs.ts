import type { Clock } from '../clock.ts';
import { isPerson, type SessionUser } from './session-snapshot.ts';

/** A message between tabs. Never contains a token. */
export type TabMessage =
  | {
      /** `changed`: a response showed another person, who signed in without this client or on another origin. */
      type: 'refreshed' | 'signed_in' | 'changed';
      epoch: number;
      expiresIn: number | null;
      refreshIn: number | null;
      /** Null: the same person as before. */
      user: SessionUser | null;
    }
  | { type: 'signed_out' };

/** The methods of `BroadcastChannel` that the client uses. */
export type Channel = {
  postMessage: (message: unknown) => void;
  addEventListener: (type: 'message', listener: (event: { data: unknown }) => void) => void;
  removeEventListener: (type: 'message', listener: (event: { data: unknown }) => void) => void;
  close: () => void;
};

/** The method of `navigator.locks` that the client uses. */
export type Locks = {
  request: <Result>(
    name: string,
    options: { ifAvailable?: boolean; signal?: AbortSignal },
    task: (lock: unknown) => Promise<Result>,
  ) => Promise<Result>;
};

export type TabsOptions = {
  /** Name of the lock: one for all tabs of one BFF. */
  name: string;
  /** Null: no communication between tabs. */
  channel: Channel | null;
  /** Null: two tabs may refresh at the same time; the BFF gives both the same result. */
  locks: Locks | null;
  clock: Clock;
  onMessage: (message: TabMessage) => void;
};

type Lock = { hasWaited: boolean; release: () => Promise<void> | void };

export type WithLockOptions = {
  /** Resolves the call with null when it aborts. */
  signal: AbortSignal;
  /**
   * A request in flight, or null. If it completes before the browser answers the first lock request, the locks hang, and
   * the task runs without one. Timers are too late for that in a hidden tab.
   */
  probe: Promise<unknown> | null;
};

/** Browser locks have been observed to hang. After this time the task runs without the lock. */
const lockTimeoutMs = 5_000;

/** Validates the message: a tab may still run another version of this package. */
const isTabMessage = (data: unknown): data is TabMessage => {
  const { type, epoch, expiresIn, refreshIn, user } = (data ?? {}) as Partial<Record<string, unknown>>;
  if (type === 'signed_out') return true;
  const areNumbers = [epoch, expiresIn ?? 0, refreshIn ?? 0].every(Number.isSafeInteger);
  return areNumbers && ((type === 'refreshed' && user === null) || isPerson(user));
};

/** Messages and a lock that the tabs of one BFF share. */
export const createTabs = ({ name, channel, locks, clock, onMessage }: TabsOptions) => {
  let isOpen = channel !== null;
  const listen = ({ data }: { data: unknown }) => {
    if (isOpen && isTabMessage(data)) onMessage(data);
  };
  channel?.addEventListener('message', listen);

  /** Resolves when the browser grants the lock, or with null if it is taken and `ifAvailable` is set. */
  const requestLock = (options: { ifAvailable: true } | { signal: AbortSignal }) =>
    new Promise<Lock['release'] | null>((resolve, reject) => {
      const held = locks?.request(name, options, async (lock) => {
        if (lock === null) return resolve(null);
        await new Promise<void>((release) => {
          resolve(() => {
            release();
            return held?.catch(() => {});
          });
        });
      });
      held?.catch(reject);
    });

  /** Never rejects: without a lock, the BFF still tolerates two refreshes with one token. */
  const acquire = async ({ signal, probe }: WithLockOptions): Promise<Lock> => {
    const unlocked: Lock = { hasWaited: false, release: () => {} };
    if (locks === null) return unlocked;
    const cancel = new AbortController();
    let hasResponded = false;
    let timer: unknown;
    const request = async (): Promise<Lock> => {
      const immediate = await requestLock({ ifAvailable: true });
      hasResponded = true;
      if (immediate !== null) return { hasWaited: false, release: immediate };
      return { hasWaited: true, release: (await requestLock({ signal: cancel.signal })) ?? unlocked.release };
    };
    const requested = request().catch(() => unlocked);
    const giveUp = new Promise<Lock>((resolve) => {
      // A lock that is granted after all is held until the task ends, and released at once if it has ended.
      const goOn = () => resolve({ hasWaited: true, release: () => void requested.then((late) => late.release()) });
      timer = clock.setTimeout(goOn, lockTimeoutMs);
      signal.addEventListener('abort', goOn);
      void probe?.then(() => {
        if (!hasResponded) goOn();
      });
    });
    const lock = await Promise.race([requested, giveUp]);
    clock.clearTimeout(timer);
    cancel.abort();
    return lock;
  };

  return {
    broadcast(message: TabMessage): void {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
      if (isOpen) channel?.postMessage(message);
    },
    /**
     * Runs `task` while no other tab runs one. `hasWaited`: another tab held the lock. After 5 s, or if the browser rejects
     * the lock request, the task runs without the lock. Resolves after the lock is released.
     */
    async withLock<Result>(
      task: (hasWaited: boolean) => Promise<Result>,
      options: WithLockOptions,
    ): Promise<Result | null> {
      const { signal } = options;
      const run = async (): Promise<Result | null> => {
        const { hasWaited, release } = await acquire(options);
        try {
          return signal.aborted ? null : await task(hasWaited);
        } finally {
          await release();
        }
      };
      const aborted = new Promise<null>((resolve) => {
        signal.addEventListener('abort', () => resolve(null));
      });
      return Promise.race([run(), aborted]);
    },
    close(): void {
      isOpen = false;
      channel?.removeEventListener('message', listen);
      channel?.close();
    },
  };
};

export type Tabs = ReturnType<typeof createTabs>;
