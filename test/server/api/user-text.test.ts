import { User } from '@auth-bff/shared';
import { describe, expect, it } from 'vitest';
import { toOutputText } from '../../../server/src/api/output-text.ts';
import { toUserText } from '../../../server/src/api/user-text.ts';

const user = {
  id: 1,
  email: 'maria.santos@example.com',
  firstName: 'Maria',
  lastName: 'Santos \u2028 \ud800 "',
  companyId: 'MA0002',
  department: null,
  position: 'Lead',
  isActive: true,
  joinedAt: new Date(0),
  systems: ['TTS'],
  roles: [{ system: 'TTS', role: 'Technician' }],
};

class Moment extends Date {}

const texts = ['', 'text', 'a"b', String.raw`a\b`, '\u0000\u001f\u007f', '\u2028 é 😀', '\ud800', '\udfff'];
const numbers = [0, -0, 1, -1, 1.5, 2 ** 60, 1e21, Number.NaN, Number.POSITIVE_INFINITY, 1n];
const times = [new Date(0), new Date(-1e14), new Date(1e15), new Date(Number.NaN), new Moment(0)];
const others = [undefined, null, true, false, {}, [], new Map(), new Set([1]), () => 1];
const withHole = Object.assign(Array.from({ length: 0 }), { 1: 'TTS' });
const systems = [withHole, ['TTS', 'AMS'], ['TTS', null], ['TTS', undefined], [1], ['', '', '"'], ['constructor']];
const role = { system: 'TTS', role: 'User' };
const roles = [
  [role],
  [role, role],
  [role, { ...role }],
  [role, 'Admin'],
  [{ ...role, since: 2020 }],
  [{ role: 'User', system: 'TTS' }],
  [{ system: '', role: '\\' }],
  [{ system: 'TTS' }],
  [{ ...role, role: null }],
  [Object.create(role)],
  [null],
  [[]],
];
const values: unknown[] = [texts, numbers, times, others, systems, roles].flat();

const withMember = (name: string, value: unknown) => ({ ...user, [name]: value });
const without = (name: string) => Object.fromEntries(Object.entries(user).filter(([key]) => key !== name));

const names = [...Object.keys(user), 'passwordHash', '', 'constructor'];
const records: unknown[] = [
  user,
  values,
  names.flatMap((name) => values.map((value) => withMember(name, value))),
  names.map(without),
  Object.fromEntries(Object.entries(user).toReversed()),
  Object.create(user),
  JSON.parse(`{"__proto__":${JSON.stringify(user)}}`),
  Object.assign(Object.create(null) as object, user),
].flat();

const bySchema = (record: unknown): string | null => {
  const { data, success } = User.safeParse(record);
  return success ? (toOutputText(data)?.superjson ?? null) : null;
};

describe('the text of a user that is checked in one pass', () => {
  const compared = records.map((record) => ({
    record,
    inOnePass: toUserText(record)?.superjson ?? null,
    bySchema: bySchema(record),
  }));

  it('is exactly that of the schema, for each value in each member, and missing where the schema has none', () => {
    expect(compared.filter((each) => each.inOnePass !== each.bySchema)).toEqual([]);
  });

  it('is compared for many users that the schema accepts, and for many others', () => {
    const accepted = compared.filter((each) => each.bySchema !== null).length;
    expect(accepted).toBeGreaterThan(200);
    expect(compared.length - accepted).toBeGreaterThan(200);
  });
});
