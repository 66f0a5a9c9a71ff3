import type { Random } from './random.ts';

/** Names that a careless reader of JSON finds on every object. */
export const prototypeKeys = ['__proto__', 'constructor', 'prototype', 'toString', 'then', 'toJSON'] as const;

const names = [
  'id',
  'ids',
  'system',
  'role',
  'email',
  'password',
  'key',
  'exclude',
  'companyId',
  'challenge',
  'code',
  'as',
  ...prototypeKeys,
  'json',
  'meta',
  'values',
  'referentialEqualities',
  '0',
  '-1',
  'length',
  '',
  '\u0000',
  'é\ud800',
] as const;

const leaves = [
  'null',
  'true',
  'false',
  '0',
  '-0',
  '1',
  '123',
  '5',
  '-1',
  '1e309',
  '9007199254740993',
  '0.1',
  '""',
  '"TTS"',
  '"Technician"',
  '"staff"',
  '"user@example.com"',
  '"staff-pass-1"',
  '"MA0001"',
  '"../../1"',
  '"%2e%2e%2f"',
  '"1\\u0000"',
  '"\\ud800"',
  '"2024-01-01T00:00:00.000Z"',
  '"constructor"',
  '"NaN"',
  '[]',
  '{}',
] as const;

/** Random JSON, sometimes slightly malformed. */
const value = (random: Random, depth = 0): string => {
  if (depth > 3 || random.oneIn(2)) return random.pick(leaves);
  if (random.oneIn(60)) return '['.repeat(random.below(5_000)) + ']'.repeat(random.below(5_000));
  if (random.oneIn(60)) return `${'{"a":'.repeat(1_000)}1${'}'.repeat(1_000)}`;
  const inner = () => value(random, depth + 1);
  if (random.oneIn(2)) return `[${random.list(5, inner).join(',')}]`;
  return `{${random.list(5, () => `${JSON.stringify(random.pick(names))}:${inner()}`).join(',')}}`;
};

const likely = [
  '{"id":123}',
  '{"id":5}',
  '{"id":999999}',
  '{"ids":[1,5,12,23,999999]}',
  '{"companyId":"MA0001"}',
  '{"system":"TTS","role":"Technician"}',
  '{"system":"HDTS","role":"Admin","key":"T-1","exclude":[1]}',
  '{"email":"user@example.com","password":"staff-pass-1"}',
  '{"email":"user@example.com","password":"wrong","as":"employee"}',
  '{"challenge":"x","code":"123456"}',
  '{"system":"TTS","role":"\\ud800"}',
  '{"companyId":"MA\\u0000"}',
  '{"system":"TTS","role":"Technician","key":"\\udc00"}',
  '{"email":"user@example.com","password":"\\ud800"}',
  '{"system":"TTS","role":"Technician","key":"T-1","exclude":[1]}',
  '{"system":"TTS","role":"Technician","limit":500}',
  '{"system":"TTS","away":true,"note":"Ferien\\u2028bis Montag"}',
  '{"system":"TTS","away":true,"until":"2026-12-24T08:00:00.000Z","note":"Ferien"}',
  '{"system":"TTS","away":false,"note":"","userId":1}',
] as const;

const annotations = [
  '"Date"',
  '"undefined"',
  '"bigint"',
  '"regexp"',
  '"number"',
  '"Error"',
  '"URL"',
  '"set"',
  '"map"',
  '["map",{"0":["Date"]}]',
  '["typed-array","Uint8Array"]',
  '["class","User"]',
  '["custom","x"]',
  '["symbol","x"]',
] as const;

const paths = ['id', 'ids.0', 'a.b', '__proto__.x', 'constructor.prototype.x', '0', '', 'exclude', '\\\\.'] as const;

/** Random superjson `meta`, sometimes malformed. */
const meta = (random: Random): string => {
  if (random.oneIn(4)) return value(random);
  const annotation = () => `[${random.pick(annotations)}]`;
  const values = random.oneIn(3)
    ? annotation()
    : `{${random.list(3, () => `"${random.pick(paths)}":${annotation()}`).join(',')}}`;
  const equalities = random.oneIn(3)
    ? `,"referentialEqualities":{"${random.pick(paths)}":["${random.pick(paths)}"]}`
    : '';
  return `{"values":${values}${equalities}${random.oneIn(2) ? ',"v":1' : ''}}`;
};

/** A random input of a call: valid, nearly valid, or arbitrary. */
export const fuzzInput = (random: Random): string => {
  if (random.oneIn(12)) return value(random);
  const json = random.oneIn(2) ? random.pick(likely) : value(random);
  return random.oneIn(3) ? `{"json":${json},"meta":${meta(random)}}` : `{"json":${json}}`;
};

/** Inserts, removes, duplicates or replaces some characters. */
export const mutate = (random: Random, text: string): string => {
  let mutated = text;
  for (let times = random.below(4); times >= 0 && mutated.length > 0; times -= 1) {
    const at = random.below(mutated.length);
    const [before, after] = [mutated.slice(0, at), mutated.slice(at)];
    const change = random.below(4);
    if (change === 0) mutated = before + after.slice(1 + random.below(4));
    else if (change === 1) mutated = before + String.fromCharCode(random.below(256)) + after;
    else if (change === 2) mutated = before + after.slice(0, random.below(20)) + after;
    else mutated = before + random.pick(['"', '{', '}', '%', '\r\n', '\0', ',', ':', ' ', '\u00ff']) + after.slice(1);
  }
  return mutated;
};
