import { serialize, type SuperJSONResult } from 'superjson';

/** Keys that need superjson: it rejects three of them with its own error, and encodes the empty one in a special way. */
const isSpecialKey = (key: string): boolean =>
  key === '__proto__' || key === 'constructor' || key === 'prototype' || key === '';

const toPath = (keys: ReadonlyArray<string | number>): string =>
  keys.map((key) => String(key).replaceAll(/[\\.]/g, String.raw`\$&`)).join('.');

const isPlainObject = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
};

/**
 * Whether superjson would serialize the value like JSON, except for dates. `onDate` gets the path of each date and returns
 * whether it could record it. Values that superjson annotates (undefined, NaN, -0, maps, shared references) are not plain.
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
    // An index loop visits holes, which are undefined.
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
    if (isSpecialKey(key)) return false;
    const member = (value as Record<string, unknown>)[key];
    // Most members are strings, which need no recursion.
    if (typeof member === 'string' || member === null) continue;
    keys.push(key);
    if (!isPlain(member, keys, seen, onDate)) return false;
    keys.pop();
  }
  return true;
};

/** Collects the date annotations that superjson puts beside the JSON, by path. */
const createDateAnnotations = () => {
  let hasDates = false;
  let values: Record<string, ['Date']> = {};
  return {
    add(keys: ReadonlyArray<string | number>): boolean {
      // superjson nests annotations by level, and numeric keys move to the front of an object: the order would differ.
      if (hasDates && keys.length > 1 && /^\d/.test(String(keys.at(-1)))) return false;
      values[toPath(keys)] = ['Date'];
      hasDates = true;
      return true;
    },
    /** The annotations since the last call. */
    take(): Record<string, ['Date']> | null {
      const taken = values;
      values = {};
      return Object.keys(taken).length === 0 ? null : taken;
    },
  };
};

/**
 * Serializes outputs with exactly the bytes of superjson. superjson copies the whole output and builds a path for each
 * member. Most outputs need no copy, because JSON writes dates as superjson does.
 */
export const writeOutput = (output: unknown): SuperJSONResult => {
  const dates = createDateAnnotations();
  if (!isPlain(output, [], new Set(), dates.add)) return serialize(output);
  const json = output as SuperJSONResult['json'];
  const values = dates.take();
  return values === null ? { json } : { json, meta: { values, v: 1 } };
};

/** The number of records in an output: the members of its arrays, such as users. Most outputs have none. */
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
  /** Records that are serialized in one go. */
  recordsPerPart: number;
  /** Waits before each further part. */
  beforePart: (records: number) => Promise<void> | undefined;
};

/** The JSON without its outermost brackets. */
const inner = (text: string): string => text.slice(1, -1);

/**
 * The JSON of `writeOutput` in UTF-8, serialized in parts, for outputs with many records. Outputs that need superjson are
 * serialized in one go; no procedure has such outputs.
 */
export const writeOutputInParts = async (
  output: object,
  { recordsPerPart, beforePart }: OutputPartsOptions,
): Promise<Buffer> => {
  const dates = createDateAnnotations();
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
  const writeInOneGo = () => Buffer.from(JSON.stringify(writeOutput(output)));

  if (!isPlainObject(output)) return writeInOneGo();
  for (const [index, [key, member]] of Object.entries(output).entries()) {
    text += `${index === 0 ? '' : ','}${JSON.stringify(key)}:`;
    const isLong = Array.isArray(member) && member.length > recordsPerPart;
    if (isSpecialKey(key) || (!isLong && !isPlain(member, [key], seen, dates.add))) return writeInOneGo();
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
      // An index loop visits holes, which are undefined.
      for (let at = 0; at < part.length; at += 1) {
        if (!isPlain(part[at], [key, from + at], seen, dates.add)) return writeInOneGo();
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
