export type RetryBudgetOptions = {
  /** New attempts that each request earns. Default 0.2. */
  perRequest?: number;
  /** The most that can be saved up, and what there is at the start. Default 10. */
  max?: number;
};

/** Keeps new attempts to a fifth of the requests, so that an outage is not met with three times the load. */
export const createRetryBudget = ({ perRequest = 0.2, max = 10 }: RetryBudgetOptions = {}) => {
  let left = max;
  return {
    /** A request is made, which earns a part of an attempt. */
    earn(): void {
      left = Math.min(max, left + perRequest);
    },
    /** Takes one attempt out of the budget, if there is one. */
    spend(): boolean {
      // Sums of fifths are not exact.
      if (left < 1 - 1e-9) return false;
      left -= 1;
      return true;
    },
  };
};
