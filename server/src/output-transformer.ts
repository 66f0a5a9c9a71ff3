import { serialize, type SuperJSONResult } from 'superjson';

/** Names that superjson refuses, which it shall say itself, and one that a path of superjson's does not show. */
const isPeculiar = (key: string): boolean =>
  key === '__proto__' || key === 'constructor' || key === 'prototype' || key === '';

const toPath = (keys: ReadonlyArray<string | number>): string =>
  keys.map((key) => String(key).replaceAll(/[\\.]/g, String.raw`\$&`)).join('.');

/**
 * Whether superjson would write the value as JSON does; `onDate` is told of the keys that lead to each date, which
 * it notes besides, and tells whether it could. What else superjson has a word for (undefined, NaN, -0, maps, one object
 * in two places) is not plain.
 */
const isPlain = (
  value: unknown,
  keys: Array<string | number>,
  seen: Set<object>,
  onDate: (keys: ReadonlyArray<string | number>) => boolean,
): boolean => {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0);
  if (typeof value !== 'object' || seen.has(value)) return false;
  seen.add(value);
  if (Array.isArray(value)) {
    // By its length, so that a hole is undefined.
    for (let index = 0; index < value.length; index += 1) {
      keys.push(index);
      if (!isPlain(value[index], keys, seen, onDate)) return false;
      keys.pop();
    }
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Date.prototype) {
    return keys.length > 0 && !Number.isNaN((value as Date).getTime()) && onDate(keys);
  }
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const key of Object.keys(value)) {
    if (isPeculiar(key)) return false;
    const member = (value as Record<string, unknown>)[key];
    // Most members are texts, which need no look inside.
    if (typeof member === 'string' || member === null) continue;
    keys.push(key);
    if (!isPlain(member, keys, seen, onDate)) return false;
    keys.pop();
  }
  return true;
};

/**
 * Writes what procedures answer as superjson does, to the byte once it is JSON. Superjson copies what it is given,
 * with a path for each member; most answers need no copy, for JSON writes a date as superjson does.
 */
export const writeOutput = (output: unknown): SuperJSONResult => {
  const dates: Record<string, ['Date']> = {};
  let hasDates = false;
  const onDate = (keys: ReadonlyArray<string | number>): boolean => {
    // Superjson notes the dates of each level in an object of its own, where a number comes before longer paths.
    if (hasDates && keys.length > 1 && /^\d/.test(String(keys.at(-1)))) return false;
    dates[toPath(keys)] = ['Date'];
    hasDates = true;
    return true;
  };
  if (!isPlain(output, [], new Set(), onDate)) return serialize(output);
  const json = output as SuperJSONResult['json'];
  return hasDates ? { json, meta: { values: dates, v: 1 } } : { json };
};
