import type { Fault } from './fault-injection.ts';

type Check = { holds: (value: unknown) => boolean; should: string; required?: boolean };

const isWhole = (least: number, most: number) => (value: unknown) =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most;

const text: Check = { holds: (value) => typeof value === 'string', should: 'a string' };
const count = (least: number, should: string): Check => ({ holds: isWhole(least, Number.MAX_SAFE_INTEGER), should });

const headers: Check = {
  holds: (value) => isObject(value) && Object.values(value).every((header) => typeof header === 'string'),
  should: 'an object of header names and strings',
};

const fields: Record<string, Record<string, Check>> = {
  latency: { ms: { ...count(0, 'a whole number of milliseconds'), required: true } },
  status: {
    status: { holds: isWhole(200, 599), should: 'a whole number from 200 to 599', required: true },
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
      holds: (value) => typeof value === 'number' && Number.isFinite(value) && value > 0,
      should: 'a number above 0',
    },
  },
  body: { body: { ...text, required: true }, contentType: text },
  huge: { bytes: count(14, 'a whole number of bytes, at least 14') },
};

/** The kinds that JSON can say, each with an example. */
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

const shown = (value: unknown): string => JSON.stringify(value) ?? 'nothing';

const parseJson = (json: string): unknown => {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
};

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const complaintAbout = (value: unknown): string | null => {
  if (!isObject(value)) return 'The body should be a fault as JSON, such as {"kind":"status","status":503}.';
  const { kind, ...rest } = value;
  const known = typeof kind === 'string' && Object.hasOwn(fields, kind) ? fields[kind] : undefined;
  if (!known) {
    const kinds = faultKinds.map((fault) => fault.kind).join(', ');
    return `kind is ${shown(kind)}; it should be one of: ${kinds}.`;
  }
  const checks: Record<string, Check> = { ...known, times: count(1, 'a whole number from 1') };
  const unknown = Object.keys(rest).find((name) => !Object.hasOwn(checks, name));
  if (unknown !== undefined) {
    return `A ${String(kind)} fault has no ${unknown}; it may have: ${Object.keys(checks).join(', ')}.`;
  }
  for (const [name, { holds, should, required = false }] of Object.entries(checks)) {
    const given = rest[name];
    if (given === undefined ? required : !holds(given)) return `${name} is ${shown(given)}; it should be ${should}.`;
  }
  return null;
};

const isFault = (value: unknown): value is Fault => complaintAbout(value) === null;

/** Reads a fault from JSON, or tells what is wrong with it and what would be right. */
export const faultFromJson = (json: string): { ok: true; fault: Fault } | { ok: false; error: string } => {
  const value = parseJson(json);
  return isFault(value) ? { ok: true, fault: value } : { ok: false, error: complaintAbout(value) ?? '' };
};
