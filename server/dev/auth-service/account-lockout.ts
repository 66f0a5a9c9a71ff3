export type LocksOptions = {
  /** Wrong passwords in a row that lock an account. */
  maxWrong: number;
  /** Milliseconds from the last of them. */
  lockedForMs: number;
  now: () => number;
};

/** Counts wrong passwords in a row. The count starts at 0 after a right password and after a lock is over. */
export const createLocks = ({ maxWrong, lockedForMs, now }: LocksOptions) => {
  const wrongInARow = new Map<number, { count: number; atMs: number }>();

  const countOf = (id: number): number => {
    const wrong = wrongInARow.get(id);
    if (wrong === undefined) return 0;
    const isOver = wrong.count >= maxWrong && now() - wrong.atMs >= lockedForMs;
    return isOver ? 0 : wrong.count;
  };
  const isLocked = (id: number): boolean => countOf(id) >= maxWrong;

  return {
    isLocked,
    /** Whether this wrong password locked the account. */
    countWrong(id: number): boolean {
      wrongInARow.set(id, { count: countOf(id) + 1, atMs: now() });
      return isLocked(id);
    },
    forget: (id: number): void => void wrongInARow.delete(id),
  };
};
