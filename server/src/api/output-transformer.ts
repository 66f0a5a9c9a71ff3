import { serialize, type SuperJSONResult } from 'superjson';

/** Names that superjson refuses, which it shall say itself, and one that a path of superjson's does not show. */
const isPeculiar = (key: string): boolean =>
  key === '__proto__' || key === 'constructor' || key === 'prototype' || key === '';

const toPath = (keys: ReadonlyArray<string | number>): string =>
  keys.map((key) => String(key).replaceAll(/[\\.]/g, String.raw`\$&`)).join('.');

const isPlainObject = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

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
  if (!isPlainObject(value)) return false;
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

/** The dates that superjson notes beside the JSON, by their paths. */
const createDates = () => {
  let hasDates = false;
  let values: Record<string, ['Date']> = {};
  return {
    note(keys: ReadonlyArray<string | number>): boolean {
      // Superjson notes the dates of each level in an object of its own, where a number comes before longer paths.
      if (hasDates && keys.length > 1 && /^\d/.test(String(keys.at(-1)))) return false;
      values[toPath(keys)] = ['Date'];
      hasDates = true;
      return true;
    },
    /** Those noted since this was called last. */
    take(): Record<string, ['Date']> | null {
      const taken = values;
      values = {};
      return Object.keys(taken).length === 0 ? null : taken;
    },
  };
};

/**
 * Writes what procedures answer as superjson does, to the byte once it is JSON. Superjson copies what it is given,
 * with a path for each member; most answers need no copy, for JSON writes a date as superjson does.
 */
export const writeOutput = (output: unknown): SuperJSONResult => {
  const dates = createDates();
  if (!isPlain(output, [], new Set(), dates.note)) return serialize(output);
  const json = output as SuperJSONResult['json'];
  const values = dates.take();
  return values === null ? { json } : { json, meta: { values, v: 1 } };
};

/** How many records an answer has: the members of its arrays, such as its users. Most answers have none. */
export const countRecords = (output: unknown): number => {
  if (typeof output !== 'object' || output === null) return 0;
  let count = 0;
  for (const key in output) {
    const member = (output as Record<string, unknown>)[key];
    if (Array.isArray(member)) count += member.length;
  }
  return count;
};

export type OutputPartsOptions = {
  /** Records that are written in one go. */
  recordsPerPart: number;
  /** Waits before each further part. */
  beforePart: (records: number) => Promise<void> | undefined;
};

/** The text of JSON between its outermost brackets. */
const inner = (text: string): string => text.slice(1, -1);

/**
 * An answer with many records as the JSON of `writeOutput`, in UTF-8, written in parts. One that only superjson can
 * write is written in one go: no procedure has such answers.
 */
export const writeOutputInParts = async (
  output: object,
  { recordsPerPart, beforePart }: OutputPartsOptions,
): Promise<Buffer> => {
  const dates = createDates();
  const seen = new Set<object>([output]);
  const parts: Buffer[] = [];
  const values: string[] = [];
  let text = '{"json":{';
  const endPart = () => {
    parts.push(Buffer.from(text));
    text = '';
    const noted = dates.take();
    if (noted !== null) values.push(inner(JSON.stringify(noted)));
  };
  const writeWhole = () => Buffer.from(JSON.stringify(writeOutput(output)));

  if (!isPlainObject(output)) return writeWhole();
  for (const [index, [key, member]] of Object.entries(output).entries()) {
    text += `${index === 0 ? '' : ','}${JSON.stringify(key)}:`;
    const isLong = Array.isArray(member) && member.length > recordsPerPart;
    if (isPeculiar(key) || (!isLong && !isPlain(member, [key], seen, dates.note))) return writeWhole();
    if (!isLong) {
      text += JSON.stringify(member);
      continue;
    }
    seen.add(member);
    text += '[';
    for (let from = 0; from < member.length; from += recordsPerPart) {
      const part = member.slice(from, from + recordsPerPart) as unknown[];
      if (from > 0) {
        endPart();
        await beforePart(part.length);
        text += ',';
      }
      // By its length, so that a hole is undefined.
      for (let at = 0; at < part.length; at += 1) {
        if (!isPlain(part[at], [key, from + at], seen, dates.note)) return writeWhole();
      }
      text += inner(JSON.stringify(part));
    }
    text += ']';
  }
  text += '}';
  endPart();
  text = values.length === 0 ? '}' : `,"meta":{"values":{${values.join(',')}},"v":1}}`;
  endPart();
  return Buffer.concat(parts);
};
