const defaultSeconds = 5;

/** Whole seconds after which a new attempt makes sense: what the BFF says, or five. */
export const retryAfterOf = (error: unknown): number => {
  const { data } = (error ?? {}) as { data?: { retryAfterSeconds?: number } | null };
  return Math.max(1, data?.retryAfterSeconds ?? defaultSeconds);
};
