export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** `share`: 0.99 for the 99th percentile. */
export const percentile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? Number.NaN;

/** The result of comparing a figure with its target. */
export type Verdict = { name: string; value: number; target: string; isMet: boolean };

export const atLeast = (name: string, value: number, least: number): Verdict => ({
  name,
  value,
  target: `at least ${least}`,
  isMet: value >= least,
});

export const atMost = (name: string, value: number, most: number): Verdict => ({
  name,
  value,
  target: `at most ${most}`,
  isMet: value <= most,
});
