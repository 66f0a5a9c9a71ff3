import { useState } from 'react';
import { waitSecondsOf } from '../desk/retry-after.ts';
import { useCountdown } from '../desk/use-countdown.ts';

/** When a refused call may be repeated. */
export type Wait = {
  /** The error that asked for the wait. Null if there was none. Stays after the wait, until the next call. */
  error: unknown;
  /** Whole seconds left. 0: the call may be sent. */
  seconds: number;
};

type Refusal = { error: unknown; dueAtMs: number | null };
const none: Refusal = { error: null, dueAtMs: null };

/**
 * The wait after a 429 or a 503 of a mutation. It outlives the error, which a form resets when somebody types.
 * `secondsOf`: the seconds that an error asks for, or null. Default: `waitSecondsOf`.
 */
export const useWait = (
  { error, isPending }: { error: unknown; isPending: boolean },
  secondsOf: (error: unknown) => number | null = waitSecondsOf,
): Wait => {
  const [refusal, setRefusal] = useState(none);
  if (isPending && refusal !== none) setRefusal(none);
  const seconds = error === null || error === refusal.error ? null : secondsOf(error);
  if (seconds !== null) setRefusal({ error, dueAtMs: Date.now() + seconds * 1000 });
  return { error: refusal.error, seconds: useCountdown(refusal.dueAtMs) };
};
