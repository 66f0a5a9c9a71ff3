import type { Caller } from '../auth-service/caller.ts';
import { onAbort } from '../platform/on-abort.ts';
import type { InFlightLoads, Load, Receiver, Waiter } from './in-flight-loads.ts';

export type LoadReaderOptions<Key, Value> = {
  caller: Caller;
  /** Identifies the caller. */
  person: string;
  inFlight: InFlightLoads<Key, Value>;
  /** Finds the load that the caller waits for, or starts one. */
  join: (key: Key) => Load<Key, Value>;
};

/** One caller's reads, of one key or of a list. They share one listener of the caller's signal. */
export const createLoadReader = <Key, Value>({ caller, person, inFlight, join }: LoadReaderOptions<Key, Value>) => {
  const { signal } = caller;
  const waiters: Waiter<Key, Value>[] = [];
  let waiting = 0;
  let stopListening = () => {};

  const onSettled = (): void => {
    waiting -= 1;
    if (waiting === 0) stopListening();
  };
  const leave = (): void => {
    for (const waiter of waiters) {
      const isSettled = !waiter.load.waiters.delete(waiter);
      if (isSettled) continue;
      inFlight.removeIfUnused(waiter.load);
      waiter.receiver.reject(signal?.reason);
    }
  };

  return {
    /** Rejects with the error of the load, or with the reason of the caller's signal. */
    read(key: Key, receiver: Receiver<Value>): void {
      if (signal?.aborted) return receiver.reject(signal.reason);
      const load = join(key);
      const waiter = { caller, person, load, receiver, onSettled };
      load.waiters.add(waiter);
      waiters.push(waiter);
      waiting += 1;
      if (waiting === 1 && signal !== undefined) stopListening = onAbort(signal, leave);
    },
  };
};

export type LoadReader<Key, Value> = ReturnType<typeof createLoadReader<Key, Value>>;
