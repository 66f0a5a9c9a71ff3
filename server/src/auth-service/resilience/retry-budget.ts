export type RetryBudgetOptions = {
  /** Retries earned by each request. Default 0.2. */
  perRequest?: number;
  /** Maximum of saved retries, and the initial budget. Default 10. */
  max?: number;
};

/** Limits retries to a fifth of the requests, so that an outage does not triple the load. */
export const createRetryBudget = ({ perRequest = 0.2, max = 10 }: RetryBudgetOptions = {}) => {
  let left = max;
  return {
    /** Call once per request. */
    earn(): void {
      left = Math.min(max, left + perRequest);
    },
    /** Takes one retry from the budget. False if the budget is used up. */
    spend(): boolean {
      // The tolerance covers rounding: sums of 0.2 are inexact.
      if (left < 1 - 1e-9) return false;
      left -= 1;
      return true;
    },
  };
};
