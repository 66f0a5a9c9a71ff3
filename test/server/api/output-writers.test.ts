import { Employee, User, UsersAnswer } from '@auth-bff/shared';
import * as fc from 'fast-check';
import { serialize } from 'superjson';
import { describe, expect, it } from 'vitest';
import { OutputText } from '../../../server/src/api/output-text.ts';
import { outputWriterOf } from '../../../server/src/api/output-writers.ts';
import { type ByteText, toBuffer } from '../../../server/src/platform/byte-text.ts';
import { anyText } from '../../support/fuzz/any-text.ts';

/** For more runs: `FUZZ_RUNS=100000`; for another seed: `FUZZ_SEED=7`. */
const numRuns = Number(process.env.FUZZ_RUNS ?? 300);
const seed = Number(process.env.FUZZ_SEED ?? 20_260_101);

const orNull = <Value>(arbitrary: fc.Arbitrary<Value>) => fc.option(arbitrary, { nil: null });
const time = orNull(fc.date({ noInvalidDate: true }));
const anyUser: fc.Arbitrary<User> = fc.record({
  id: fc.integer(),
  email: anyText(),
  firstName: anyText(),
  lastName: anyText(),
  companyId: orNull(anyText()),
  department: orNull(anyText()),
  position: orNull(anyText()),
  isActive: orNull(fc.boolean()),
  joinedAt: time,
  systems: orNull(fc.array(anyText(), { maxLength: 3 })),
  roles: orNull(fc.array(fc.record({ system: anyText(), role: anyText() }), { maxLength: 3 })),
});
const anyEmployee: fc.Arbitrary<Employee> = fc.record({
  id: fc.integer(),
  email: anyText(),
  firstName: anyText(),
  lastName: anyText(),
  status: orNull(anyText()),
  createdAt: time,
});
const anyUsers: fc.Arbitrary<UsersAnswer> = fc.record({
  users: fc.array(anyUser, { maxLength: 12 }),
  notFound: fc.array(fc.integer(), { maxLength: 3 }),
});

const user = (): User => ({
  id: 1,
  email: 'maria.santos@example.com',
  firstName: 'Maria',
  lastName: 'Santos',
  companyId: 'MA0002',
  department: null,
  position: null,
  isActive: true,
  joinedAt: new Date(0),
  systems: ['TTS'],
  roles: [{ system: 'TTS', role: 'Technician' }],
});

const textOf = (output: unknown): OutputText => {
  if (output instanceof OutputText) return output;
  throw new Error('The output has no text.');
};

const decode = (text: ByteText): string => toBuffer(text).toString();

describe('the text of an output', () => {
  it.each([
    ['a user', User, anyUser],
    ['an employee', Employee, anyEmployee],
    ['a list of users', UsersAnswer, anyUsers],
  ] as const)('has the bytes of superjson and of JSON for %s, the first time and again', (_name, schema, anyOutput) => {
    const { write } = outputWriterOf(schema);
    const arbitrary: fc.Arbitrary<unknown> = anyOutput;
    const check = (output: unknown) => {
      const checked = schema.parse(output);
      for (const text of [textOf(write(output)), textOf(write(output))]) {
        expect(decode(text.json)).toBe(JSON.stringify(checked));
        expect(decode(text.superjson)).toBe(JSON.stringify(serialize(checked)));
      }
    };
    fc.assert(fc.property(arbitrary, check), { numRuns, seed });
  });

  it('lacks the members that are not in the schema', () => {
    const text = textOf(outputWriterOf(User).write({ ...user(), passwordHash: 'pbkdf2' }));
    expect(JSON.parse(text.json)).toEqual(JSON.parse(JSON.stringify(user())));
  });

  it('is written once for a record, alone and in a list', () => {
    const record = user();
    const text = outputWriterOf(User).write(record);
    expect(outputWriterOf(User).write(record)).toBe(text);
    const list = textOf(outputWriterOf(UsersAnswer).write({ users: [record], notFound: [7] }));
    expect(list.json).toBe(`{"users":[${textOf(text).json}],"notFound":[7]}`);
  });

  it('is not kept for a record that its schema rejects', () => {
    const record: Record<string, unknown> = { ...user(), email: null };
    const [write, writeList] = [outputWriterOf(User).write, outputWriterOf(UsersAnswer).write];
    for (let call = 0; call < 2; call += 1) {
      expect(() => write(record)).toThrow('expected string');
      expect(() => writeList({ users: [user(), record], notFound: [] })).toThrow('expected string');
    }
    record.email = 'maria.santos@example.com';
    expect(textOf(write(record)).json).toContain('maria.santos@example.com');
  });

  it('cannot differ from its record later', () => {
    const record = user();
    outputWriterOf(User).write(record);
    expect(() => (record.firstName = 'Mary')).toThrow(TypeError);
    expect(() => record.systems?.push('AMS')).toThrow(TypeError);
    expect(() => Object.assign(record.roles?.[0] ?? {}, { role: 'Admin' })).toThrow(TypeError);
  });

  it('is not kept if superjson would annotate more than times', () => {
    const record = { ...user(), id: -0 };
    const output = outputWriterOf(User).write(record);
    expect(output).toEqual(record);
    expect(Object.isFrozen(record)).toBe(false);
    expect(outputWriterOf(UsersAnswer).write({ users: [record], notFound: [] })).toEqual({
      users: [record],
      notFound: [],
    });
  });

  it('of a list is refused if an id that was not found is no number', () => {
    expect(() => outputWriterOf(UsersAnswer).write({ users: [], notFound: ['7'] })).toThrow('expected number');
  });
});
