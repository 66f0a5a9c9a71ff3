const defaultSeconds = 5;

/** Whole seconds until the next retry: `retryAfterSeconds`, or 5. */
export const retryAfterOf = (error: unknown): number => {
  const { data } = (error ?? {}) as { data?: { retryAfterSeconds?: number } | null };
  return Math.max(1, data?.retryAfterSeconds ?? defaultSeconds);
};
