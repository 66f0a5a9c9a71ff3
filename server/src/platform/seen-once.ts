/** Tells a value that comes for the first time, of at most `max`: what strangers send must not fill the log or the memory. */
export const createSeenOnce = ({ max }: { max: number }) => {
  const seen = new Set<string>();
  return {
    /** False also for every value after the first `max`. */
    isNew(value: string): boolean {
      if (seen.size >= max || seen.has(value)) return false;
      seen.add(value);
      return true;
    },
  };
};
