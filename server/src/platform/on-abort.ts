/** One entry, and one listener, per signal. */
const listenersOf = new WeakMap<AbortSignal, { listeners: Set<() => void>; call: () => void }>();

/**
 * Calls `listener` when the signal aborts. The signal must not be aborted yet. Returns a function that removes the listener.
 *
 * `AbortSignal` walks its list of listeners to add or remove one: 25,000 lookups of one request blocked the event loop for
 * 8 s. Here, both take constant time.
 */
export const onAbort = (signal: AbortSignal, listener: () => void): (() => void) => {
  let entry = listenersOf.get(signal);
  if (entry === undefined) {
    const listeners = new Set<() => void>();
    const call = () => {
      for (const each of listeners) each();
    };
    entry = { listeners, call };
    listenersOf.set(signal, entry);
    signal.addEventListener('abort', call);
  }
  const { listeners, call } = entry;
  listeners.add(listener);
  return () => {
    if (!listeners.delete(listener) || listeners.size > 0) return;
    signal.removeEventListener('abort', call);
    listenersOf.delete(signal);
  };
};
