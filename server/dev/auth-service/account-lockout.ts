export type AccountLockoutOptions = {
  /** Consecutive wrong passwords that lock an account. */
  maxFailures: number;
  /** Milliseconds from the last wrong password to the end of the lock. */
  lockDurationMs: number;
  now: () => number;
};

/** Counts consecutive wrong passwords. A right password and the end of a lock reset the count. */
export const createAccountLockout = ({ maxFailures, lockDurationMs, now }: AccountLockoutOptions) => {
  const failures = new Map<number, { count: number; atMs: number }>();

  const countOf = (id: number): number => {
    const failure = failures.get(id);
    if (failure === undefined) return 0;
    const isOver = failure.count >= maxFailures && now() - failure.atMs >= lockDurationMs;
    return isOver ? 0 : failure.count;
  };
  const isLocked = (id: number): boolean => countOf(id) >= maxFailures;

  return {
    isLocked,
    /** Returns true if this failure locked the account. */
    recordFailure(id: number): boolean {
      failures.set(id, { count: countOf(id) + 1, atMs: now() });
      return isLocked(id);
    },
    reset: (id: number): void => void failures.delete(id),
  };
};
