import { vi } from 'vitest';
import type { Channel, Clock, Locks } from '../../../client/src/index.ts';

export type LockBehaviour =
  | 'normal'
  /** Another holder never releases the lock. */
  | 'never grants'
  /** Throws, as in a frame whose origin may not use locks. */
  | 'rejects'
  | 'throws'
  /** Never settles, and ignores the abort signal. */
  | 'hangs';

/** The locks that all tabs of a browser share. */
export const createFakeLocks = (behaviour: LockBehaviour = 'normal') => {
  const waiting = new Map<string, Set<() => void>>();
  const held = new Set<string>();

  const locks: Locks = {
    request(name, { ifAvailable = false, signal }, task) {
      if (behaviour === 'throws') throw new TypeError('These locks are no locks.');
      if (behaviour === 'rejects') return Promise.reject(new DOMException('No locks here.', 'SecurityError'));
      if (behaviour === 'hangs') return new Promise(() => {});
      return new Promise((resolve, reject) => {
        const run = async () => {
          held.add(name);
          try {
            resolve(await task({ name }));
          } catch (error) {
            reject(error);
          } finally {
            held.delete(name);
            const [next] = waiting.get(name) ?? [];
            if (next !== undefined) {
              waiting.get(name)?.delete(next);
              next();
            }
          }
        };
        const grant = () => {
          signal?.removeEventListener('abort', leave);
          void run();
        };
        const leave = () => {
          waiting.get(name)?.delete(grant);
          reject(signal?.reason as Error);
        };
        const isTaken = behaviour === 'never grants' || held.has(name);
        if (!isTaken) {
          held.add(name);
          queueMicrotask(grant);
        } else if (ifAvailable) task(null).then(resolve, reject);
        else {
          waiting.set(name, (waiting.get(name) ?? new Set()).add(grant));
          signal?.addEventListener('abort', leave);
        }
      });
    },
  };
  return {
    ...locks,
    held: () => [...held],
    waiting: () => [...waiting.values()].reduce((sum, all) => sum + all.size, 0),
  };
};

/** The broadcast channels of a browser's tabs: a message arrives at all other tabs after `delayMs`. */
export const createFakeChannels = ({ clock, delayMs = 0 }: { clock: Clock; delayMs?: number }) => {
  type Listener = (event: { data: unknown }) => void;
  const all = new Set<Set<Listener>>();
  const told: unknown[] = [];

  return {
    told,
    /** Channels that are open, and listeners on them. */
    openCount: () => all.size,
    listenerCount: () => [...all].reduce((sum, listeners) => sum + listeners.size, 0),
    open(): Channel {
      const own = new Set<Listener>();
      all.add(own);
      return {
        postMessage(message) {
          if (!all.has(own)) throw new DOMException('Channel is closed', 'InvalidStateError');
          const data: unknown = structuredClone(message);
          told.push(data);
          const deliver = () => {
            for (const listeners of all) if (listeners !== own) for (const listener of listeners) listener({ data });
          };
          // Its order is kept, and no message arrives while its sender still runs.
          if (delayMs > 0) clock.setTimeout(deliver, delayMs);
          else setTimeout(deliver, 0);
        },
        addEventListener: (_type, listener) => void own.add(listener),
        removeEventListener: (_type, listener) => void own.delete(listener),
        close: () => void all.delete(own),
      };
    },
  };
};

/** A target that counts its listeners. */
const createTarget = () => {
  const target = new EventTarget();
  const all = new Set<() => void>();
  return {
    count: () => all.size,
    dispatch: (type: string, fields: object = {}) => target.dispatchEvent(Object.assign(new Event(type), fields)),
    target: {
      addEventListener(type: string, listener: () => void): void {
        all.add(listener);
        target.addEventListener(type, listener);
      },
      removeEventListener(type: string, listener: () => void): void {
        all.delete(listener);
        target.removeEventListener(type, listener);
      },
    },
  };
};

/**
 * Makes the globals those of a tab. A client that is created now is of this tab, also while others are opened later.
 * `vi.unstubAllGlobals()` gives the globals back.
 */
export const stubWindow = ({ isVisible = true, locks }: { isVisible?: boolean; locks?: Locks } = {}) => {
  const [onDocument, onWindow] = [createTarget(), createTarget()];
  const location = new URL('https://app.test/tickets');
  const visibilityState = isVisible ? 'visible' : 'hidden';
  const document = { ...onDocument.target, baseURI: location.href, visibilityState };
  const window = { ...onWindow.target, document };
  vi.stubGlobal('window', window);
  vi.stubGlobal('document', document);
  vi.stubGlobal('location', location);
  vi.stubGlobal('navigator', { locks });
  const turn = (state: 'visible' | 'hidden') => {
    document.visibilityState = state;
    onDocument.dispatch('visibilitychange');
  };
  return {
    listenerCount: () => onDocument.count() + onWindow.count(),
    isHidden: () => document.visibilityState === 'hidden',
    show: () => turn('visible'),
    hide: () => turn('hidden'),
    comeOnline: () => void onWindow.dispatch('online'),
    /** The page is shown: as it comes out of the back/forward cache, or for the first time. */
    pageShow: ({ persisted }: { persisted: boolean }) => void onWindow.dispatch('pageshow', { persisted }),
    /** The page is left. */
    pageHide: () => void onWindow.dispatch('pagehide'),
    /** The page was frozen, and runs again. */
    resume: () => void onDocument.dispatch('resume'),
  };
};
