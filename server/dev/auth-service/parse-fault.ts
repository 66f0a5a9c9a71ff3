import type { Fault } from './fault-injection.ts';

type Check = { isValid: (value: unknown) => boolean; expected: string; required?: boolean };

const isWhole = (least: number, most: number) => (value: unknown) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;

const text: Check = { isValid: (value) => typeof value === 'string', expected: 'a string' };
const count = (least: number, expected: string): Check => ({
  isValid: isWhole(least, Number.MAX_SAFE_INTEGER),
  expected,
});

const headers: Check = {
  isValid: (value) => isObject(value) && Object.values(value).every((header) => typeof header === 'string'),
  expected: 'an object of header names and strings',
};

const fields: Record<string, Record<string, Check>> = {
  latency: { ms: { ...count(0, 'a whole number of milliseconds'), required: true } },
  status: {
    status: { isValid: isWhole(200, 599), expected: 'a whole number from 200 to 599', required: true },
    body: text,
    contentType: text,
    headers,
  },
  hang: {},
  cut: { afterBytes: count(0, 'a whole number of bytes') },
  reset: {},
  garbage: {},
  drip: {
    bytesPerSecond: {
      isValid: (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
      expected: 'a number above 0',
    },
  },
  body: { body: { ...text, required: true }, contentType: text },
  huge: { bytes: count(14, 'a whole number of bytes, at least 14') },
};

/** The fault kinds that JSON can express, each with an example. */
export const faultKinds: readonly { kind: string; example: string }[] = [
  { kind: 'latency', example: '{"kind":"latency","ms":2000}' },
  {
    kind: 'status',
    example: '{"kind":"status","status":503,"body":"…","contentType":"…","headers":{"retry-after":"5"}}',
  },
  { kind: 'hang', example: '{"kind":"hang"}' },
  { kind: 'cut', example: '{"kind":"cut","afterBytes":10}' },
  { kind: 'reset', example: '{"kind":"reset"}' },
  { kind: 'garbage', example: '{"kind":"garbage"}' },
  { kind: 'drip', example: '{"kind":"drip","bytesPerSecond":1}' },
  { kind: 'body', example: '{"kind":"body","body":"<html>","contentType":"text/html"}' },
  { kind: 'huge', example: '{"kind":"huge","bytes":100000000}' },
];

const toText = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

const parseJson = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const findError = (value: unknown): string | null => {
  if (!isObject(value)) return 'The body should be a fault as JSON, such as {"kind":"status","status":503}.';
  const { kind, ...rest } = value;
  const known = typeof kind === 'string' && Object.hasOwn(fields, kind) ? fields[kind] : undefined;
  if (!known) {
    const kinds = faultKinds.map((fault) => fault.kind).join(', ');
    return `kind is ${toText(kind)}; it should be one of: ${kinds}.`;
  }
  const checks: Record<string, Check> = { ...known, times: count(1, 'a whole number from 1') };
  const unknown = Object.keys(rest).find((name) => !Object.hasOwn(checks, name));
  if (unknown !== undefined) {
    return `A ${String(kind)} fault has no ${unknown}; it may have: ${Object.keys(checks).join(', ')}.`;
  }
  for (const [name, { isValid, expected, required = false }] of Object.entries(checks)) {
    const given = rest[name];
    if (given === undefined ? required : !isValid(given))
      return `${name} is ${toText(given)}; it should be ${expected}.`;
  }
  return null;
};

const isFault = (value: unknown): value is Fault => findError(value) === null;

/** Parses a fault from JSON. The error names the invalid field and the expected value. */
export const parseFault = (json: string): { ok: true; fault: Fault } | { ok: false; error: string } => {
  const value = parseJson(json);
  return isFault(value) ? { ok: true, fault: value } : { ok: false, error: findError(value) ?? '' };
};
