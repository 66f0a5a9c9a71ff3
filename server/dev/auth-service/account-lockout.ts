export type AccountLockoutOptions = {
  /** Wrong passwords in a row that lock an account. */
  maxFailures: number;
  /** Milliseconds from the last of them. */
  lockDurationMs: number;
  now: () => number;
};

/** Counts wrong passwords in a row. The count starts at 0 after a right password and after a lock is over. */
export const createAccountLockout = ({ maxFailures, lockDurationMs, now }: AccountLockoutOptions) => {
  const failuresInARow = new Map<number, { count: number; atMs: number }>();

  const countOf = (id: number): number => {
    const wrong = failuresInARow.get(id);
    if (wrong === undefined) return 0;
    const isOver = wrong.count >= maxFailures && now() - wrong.atMs >= lockDurationMs;
    return isOver ? 0 : wrong.count;
  };
  const isLocked = (id: number): boolean => countOf(id) >= maxFailures;

  return {
    isLocked,
    /** Whether this wrong password locked the account. */
    recordFailure(id: number): boolean {
      failuresInARow.set(id, { count: countOf(id) + 1, atMs: now() });
      return isLocked(id);
    },
    reset: (id: number): void => void failuresInARow.delete(id),
  };
};
