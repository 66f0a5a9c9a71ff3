export type BreakerOptions = {
  /** Milliseconds of a clock that only goes forward. */
  clock: () => number;
  /** Told when it opens. */
  onOpen?: (() => void) | undefined;
};

/** How one call ended. `abandoned` says nothing of the service: nobody waited for the answer any more. */
export type CallEnd = 'good' | 'failed' | 'abandoned';
/** On whose behalf, so far as that may be why it failed; null for nobody in particular. */
export type Blamed = string | null;

type Call = { isGood: boolean; person: Blamed };

type Circuit =
  | { state: 'closed'; last: Call[] }
  | { state: 'open'; untilMs: number; waitMs: number }
  /** One call is let through. `doubted`: whose own failures may be why theirs failed. */
  | { state: 'half_open'; isProbing: boolean; doubted: Set<string>; untilMs: number; waitMs: number };

const failuresToOpen = 10;
const callsRemembered = 20;
/** One person's failures count no further, so that a person whose token makes the service fail opens nothing. */
const failuresPerPerson = 5;
const firstWaitMs = 5_000;
const longestWaitMs = 30_000;

const failuresOf = (calls: readonly Call[]): number => {
  const perPerson = new Map<Blamed, number>();
  for (const { isGood, person } of calls) if (!isGood) perPerson.set(person, (perPerson.get(person) ?? 0) + 1);
  return [...perPerson].reduce(
    (sum, [person, count]) => sum + (person === null ? count : Math.min(count, failuresPerPerson)),
    0,
  );
};

const isBroken = (last: readonly Call[]): boolean => {
  const inARow = last.slice(last.findLastIndex(({ isGood }) => isGood) + 1);
  const isHalf = last.length === callsRemembered && failuresOf(last) >= failuresToOpen;
  return isHalf || failuresOf(inARow) >= failuresToOpen;
};

/**
 * Stops asking an endpoint that fails: after 10 failed calls in a row, or half of the last 20. It asks again, by one
 * call, after 5 s, and after twice as long each time that fails, up to 30 s.
 *
 * Never on one person's failures alone: a token whose user is gone makes the service answer 500 to that person.
 */
export const createBreaker = ({ clock, onOpen }: BreakerOptions) => {
  let circuit: Circuit = { state: 'closed', last: [] };

  const open = (waitMs: number) => {
    circuit = { state: 'open', untilMs: clock() + waitMs, waitMs };
    onOpen?.();
  };
  const halfOpen = (waitMs: number) => {
    circuit = { state: 'half_open', isProbing: false, doubted: new Set(), untilMs: clock(), waitMs };
    return circuit;
  };

  const end = (how: CallEnd, person: Blamed, isProbe: boolean): void => {
    const now = circuit;
    if (now.state === 'closed' && how !== 'abandoned') {
      now.last.push({ isGood: how === 'good', person });
      if (now.last.length > callsRemembered) now.last.shift();
      if (isBroken(now.last)) open(firstWaitMs);
    }
    // What was sent before it opened says nothing new.
    if (now.state !== 'half_open' || !isProbe) return;
    now.isProbing = false;
    if (how === 'good') circuit = { state: 'closed', last: [] };
    if (how !== 'failed') return;
    const longerMs = Math.min(longestWaitMs, now.waitMs * 2);
    if (person === null || now.doubted.size > 0) return open(longerMs);
    now.doubted.add(person);
    now.untilMs = clock() + longerMs;
  };

  return {
    /**
     * Asks whether a call may be made for `person`: how to tell its end, or the milliseconds until it makes sense to
     * ask again.
     */
    enter(person: Blamed): { end: (how: CallEnd, blamed: Blamed) => void } | { retryAfterMs: number } {
      const nowMs = clock();
      if (circuit.state === 'open' && nowMs < circuit.untilMs) return { retryAfterMs: circuit.untilMs - nowMs };
      const now = circuit.state === 'open' ? halfOpen(circuit.waitMs) : circuit;
      if (now.state === 'half_open') {
        const isDoubted = person !== null && now.doubted.has(person) && nowMs < now.untilMs;
        if (now.isProbing || isDoubted) return { retryAfterMs: Math.max(1_000, now.untilMs - nowMs) };
        now.isProbing = true;
      }
      const isProbe = now.state === 'half_open';
      return { end: (how, blamed) => end(how, blamed, isProbe) };
    },
    /** The service is back, as is known from elsewhere: the next call may try. */
    recover(): void {
      if (circuit.state === 'open') halfOpen(firstWaitMs);
    },
    state: () => circuit.state,
  };
};

export type Breaker = ReturnType<typeof createBreaker>;
export type BreakerState = ReturnType<Breaker['state']>;
