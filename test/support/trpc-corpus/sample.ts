import type { Case } from '../app/reference-pair.ts';

const areAll = process.env.EVERY_CASE === '1';

/** Larger than any list of cases and prime, so that steps of this length visit each case once. */
const step = 9_973;

/** Visits cases far from each other, because neighbours have the same text in different places. */
const scattered = (count: number): number[] => Array.from({ length: count }, (_, index) => (index * step) % count);

/** The values of a request that a sample must have: caller, method, headers, and the text under test or all parts. */
const valuesOf = ({ as = 'anonymous', text, request }: Case): readonly string[] => {
  if (typeof request === 'function') return [as, request.toString()];
  if ('join' in request) return [as, ...request];
  const { method = 'GET', target, headers = {}, body = '' } = request;
  return [
    as,
    method,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${String(value)}`),
    ...(text === undefined ? [...target.split(/[/?&#,]/), String(body)] : [text]),
  ];
};

/**
 * All cases if `EVERY_CASE=1`, which `.ci/run` sets. Otherwise fewer, in which each caller, method, header, path, parameter,
 * body and text under test occurs at least once.
 */
export const sampleOf = (cases: readonly Case[]): readonly Case[] => {
  if (areAll) return cases;
  const seen = new Set<string>();
  const chosen = new Set<Case | undefined>();
  for (const index of scattered(cases.length)) {
    const one = cases[index];
    const added = one === undefined ? [] : valuesOf(one).filter((value) => !seen.has(value));
    if (added.length > 0) chosen.add(one);
    for (const value of added) seen.add(value);
  }
  return cases.filter((one) => chosen.has(one));
};

/** Every fifth case, or all if `EVERY_CASE=1`. */
export const fifthOf = (cases: readonly Case[]): readonly Case[] =>
  areAll ? cases : cases.filter((_case, index) => index % 5 === 0);
