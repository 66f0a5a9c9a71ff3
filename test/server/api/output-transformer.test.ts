import { inspect } from 'node:util';
import * as fc from 'fast-check';
import { serialize } from 'superjson';
import { describe, expect, it } from 'vitest';
import { countRecords, writeOutput, writeOutputInParts } from '../../../server/src/api/output-transformer.ts';
import { anyText } from '../../support/fuzz/any-text.ts';

/** Runs per kind of value. For more runs: `FUZZ_RUNS=100000`; for another seed: `FUZZ_SEED=7`. */
const runs = Number(process.env.FUZZ_RUNS ?? 300);
const seed = Number(process.env.FUZZ_SEED ?? 20_260_101);
const shown = { depth: Number.POSITIVE_INFINITY, showHidden: true };

class Ticket {
  id = 7;
  openedAt = new Date(0);
}

/** The serialized text, or undefined. */
const textOf = (write: (value: unknown) => unknown, value: unknown): string | undefined => {
  try {
    return JSON.stringify(write(value));
  } catch {
    return 'throws';
  }
};

const byUs = (value: unknown) => textOf(writeOutput, value);
const bySuperjson = (value: unknown) => textOf(serialize, value);

const date = fc.date({ noInvalidDate: false });
const leaf = fc.oneof(
  { weight: 8, arbitrary: fc.oneof(anyText(), fc.integer(), fc.boolean(), fc.constant(null)) },
  { weight: 5, arbitrary: date },
  fc.double(),
  fc.constantFrom(undefined, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0),
  fc.bigInt(),
  fc
    .constantFrom<() => unknown>(
      () => new Map<unknown, unknown>([['a', new Date(0)]]),
      () => new Set([1, new Date(0)]),
      () => new URL('https://bff.example/a?b=c'),
      () => /a\.b/gi,
      () => new Error('It failed.', { cause: new Date(0) }),
      () => new Ticket(),
      () => new Uint8Array([1, 2]),
      () => Object(1),
      () => Symbol('a'),
      () => () => 'a',
      () => [],
      () => ({}),
    )
    .map((make) => make()),
);

const key = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'b', 'c', 'id', 'joinedAt') },
  fc.constantFrom(
    '0',
    '1',
    '10',
    '-1',
    '1.5',
    '01',
    ' ',
    '',
    'a.b',
    '.',
    String.raw`a\b`,
    '\\',
    String.raw`\.`,
    'é\ud800',
  ),
  fc.constantFrom(
    '__proto__',
    'constructor',
    'prototype',
    'toJSON',
    'then',
    'json',
    'meta',
    'length',
    'hasOwnProperty',
  ),
  anyText({ maxLength: 3 }),
);

const withPrototype = (entries: Array<[string, unknown]>, prototype: object | null): unknown => {
  const made: object = Object.create(prototype) as object;
  for (const [name, value] of entries) {
    Object.defineProperty(made, name, { value, enumerable: true, writable: true, configurable: true });
  }
  return made;
};

/** Values that JSON can represent, and dates. */
const plain = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    fc.oneof(fc.integer(), fc.string(), fc.date({ noInvalidDate: true }), fc.constant(null)),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
})).value;

/** Any value. */
const anything = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    leaf,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.sparseArray(tie('value'), { maxLength: 4 }),
    fc
      .tuple(
        fc.array(fc.tuple(key, tie('value')), { maxLength: 4 }),
        fc.constantFrom(Object.prototype, null, Ticket.prototype),
      )
      .map(([entries, prototype]) => withPrototype(entries, prototype)),
    // The same object in two places.
    tie('value').map((value) => [value, { again: value }]),
    tie('value').map((value) => {
      const circle: { value: unknown; self?: unknown } = { value };
      circle.self = circle;
      return circle;
    }),
  ),
})).value;

const user = (id: number, changes: Record<string, unknown> = {}) => ({
  id,
  email: `user-${id}@example.com`,
  firstName: 'Nguyễn',
  lastName: "O'Brien \u2028 \ud800",
  companyId: 'MA0001',
  department: null,
  position: null,
  isActive: true,
  joinedAt: new Date(Date.UTC(2019, id % 12, 1, 2, 3, 4, id)),
  systems: ['TTS', 'AMS'],
  roles: [{ system: 'TTS', role: 'Technician' }],
  ...changes,
});

const answers: Array<[string, unknown]> = [
  ['a user', user(1)],
  ['a user with few known fields', user(2, { joinedAt: null, systems: null, roles: null, isActive: null })],
  ['a user with an undefined member', user(3, { position: undefined })],
  ['users', { users: [user(1), user(2, { joinedAt: null }), user(3)], notFound: [7, 8] }],
  ['fifty users', { users: Array.from({ length: 50 }, (_, id) => user(id)), notFound: [] }],
  ['users with a duplicate', { users: Array.from({ length: 2 }, () => user(1)), notFound: [] }],
  ['the same user twice', Array.from({ length: 2 }).fill(user(1))],
  [
    'a session',
    { user: { id: 1, type: 'staff' }, systems: [], roles: [], expiresAt: new Date(9), refreshAt: new Date(8) },
  ],
  ['a sign-in', { status: 'signed_in', session: { expiresAt: new Date(9), refreshAt: new Date(9) } }],
  ['an assignment', { assignee: user(5), replayed: false, candidates: 5, stale: false }],
  ['no assignee', { assignee: null, reason: 'no_candidates', candidates: 0, stale: false }],
  ['a sign-out', null],
  [
    'an error',
    { message: 'It failed.', code: -32_600, data: { code: 'BAD_REQUEST', issues: [{ path: 'id', message: '' }] } },
  ],
  ['undefined', undefined],
  ['a single date', new Date(0)],
  ['an invalid date', { at: new Date(Number.NaN) }],
  ['dates in a list', [new Date(0), [new Date(1)], { at: new Date(2) }]],
  ['dates in a nested list, simple ones last', { a: [{ at: new Date(0) }, new Date(1)] }],
  ['dates below names with dots', { 'a.b': { 'c\\d': new Date(0), '': 1 }, '1.5': new Date(1) }],
  ['dates below names that look like indexes', { a: { b: new Date(0), 1: new Date(1), 0: { 1: new Date(2) } } }],
];

describe('a procedure response', () => {
  it.each(answers)('is serialized like superjson does: %s', (_name, value) => {
    expect(byUs(value)).toBe(bySuperjson(value));
  });

  it('is not copied if JSON can represent all of it', () => {
    const users = { users: [user(1), user(2)], notFound: [] };
    expect(writeOutput(users).json).toBe(users);
  });
});

describe.each([
  ['of JSON and dates', plain],
  ['of any type', anything],
])('a value %s', (_name, arbitrary) => {
  it('is serialized byte for byte like superjson does, and is not changed', { timeout: 300_000 + runs * 10 }, () => {
    fc.assert(
      fc.property(arbitrary, (value) => {
        const before = inspect(value, shown);
        const written = byUs(value);
        expect(inspect(value, shown)).toBe(before);
        expect(written).toBe(bySuperjson(value));
      }),
      { numRuns: runs, seed },
    );
  });
});

it('most values of JSON and dates are serialized without superjson', () => {
  const isOwn = (value: unknown) => {
    try {
      return typeof value === 'object' && value !== null && writeOutput(value).json === value;
    } catch {
      return false;
    }
  };
  expect(fc.sample(plain, { numRuns: 400, seed }).filter(isOwn).length).toBeGreaterThan(100);
});

describe('a response that is written in parts', () => {
  /** The text, and the number of records in each part after the first. */
  const byParts = async (value: object, recordsPerPart: number) => {
    const parts: number[] = [];
    const beforePart = (records: number) => {
      parts.push(records);
      return Promise.resolve();
    };
    const text = await writeOutputInParts(value, { recordsPerPart, beforePart }).then(String, () => 'throws');
    return { text, parts };
  };
  const record = (id: number) => ({
    id,
    name: `Zoë ${id}`,
    joinedAt: id % 3 === 0 ? null : new Date(id),
    roles: [{ system: 'TTS', role: '"' }],
  });
  const records = (count: number) => Array.from({ length: count }, (_, index) => record(index));
  const twice = record(1);

  it.each<[string, object, number[]]>([
    ['users, and unknown ids', { users: records(10), notFound: [1, 2] }, [4, 2]],
    ['one list', { users: records(8) }, [4]],
    ['several long lists, and other fields', { at: new Date(0), a: records(5), b: [1, 2, 3, 4, 5], c: 'c' }, [1, 1]],
    ['short lists, or none', { users: records(4), notFound: [] }, []],
    ['nothing', {}, []],
    ['dates only, which superjson annotates differently', { days: records(9).map(({ id }) => new Date(id)) }, []],
    ['names with dots', { 'a.b': records(5) }, [1]],
    ['values that JSON cannot represent', { users: [...records(5), undefined] }, [2]],
    ['sparse arrays', { users: Object.assign(records(4), { 7: record(7) }) }, [4]],
    ['one object in two places', { users: [twice, ...records(5), twice] }, [3]],
    ['one object in two lists', { users: [twice, ...records(5)], others: [twice, ...records(5)] }, [2]],
    ['numbers', { ids: [1, 2, 3, 4, 5], users: records(3) }, [1]],
    ['a name that superjson rejects', JSON.parse('{"a":[1,2,3,4,5],"__proto__":[1]}') as object, [1]],
    ['an instance of a class', new Ticket(), []],
    ['an array', records(9), []],
  ])('has the same text as in one part: %s', async (_name, value, parts) => {
    const written = await byParts(value, 4);
    expect(written.text).toBe(byUs(value));
    expect(written.parts).toEqual(parts);
  });

  it(`has the same text as in one part, for ${runs} values`, async () => {
    // A part has at most 3 records, so that lists of 5 have several parts.
    const object = fc.dictionary(key, leaf, { maxKeys: 3 });
    const list = fc.array(fc.oneof(leaf, object), { maxLength: 5 });
    const answer = fc.dictionary(key, fc.oneof(leaf, list), { maxKeys: 4 });
    await fc.assert(
      fc.asyncProperty(answer, fc.integer({ min: 1, max: 3 }), async (value, recordsPerPart) => {
        expect((await byParts(value, recordsPerPart)).text).toBe(byUs(value));
      }),
      { numRuns: runs, seed },
    );
  });

  it.each<[unknown, number]>([
    [{ users: records(3), notFound: [1, 2] }, 5],
    [record(1), 1],
    [{ userIds: [] }, 0],
    [null, 0],
    ['text', 0],
    [undefined, 0],
  ])('reports its number of records: %j', (value, count) => {
    expect(countRecords(value)).toBe(count);
  });
});
