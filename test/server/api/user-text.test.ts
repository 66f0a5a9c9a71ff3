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
const role = { system: 'TTS', role: 'User' };
const hole = Array.from({ length: 2 });
delete hole[0];

const anything: unknown[] = [
  ...[undefined, null, '', 'text', 0, -0, 1, -1, 1.5, 2 ** 60, Number.NaN, Number.POSITIVE_INFINITY, 1n, true, false],
  ...[{}, [], new Date(0), new Date(-1e14), new Date(Number.NaN), new Moment(0), new Map(), new Set([1]), () => 1],
  ...[hole, ['TTS', 'AMS'], ['TTS', null], ['TTS', undefined], [1], ['constructor', '__proto__']],
  ...[[role], [role, role], [role, { ...role }], [{ ...role, since: 2020 }], [{ role: 'User', system: 'TTS' }]],
  ...[[{ system: 'TTS' }], [{ ...role, role: null }], [null], [[]], [role, 'Admin'], [Object.create(role)]],
];

const names = [...Object.keys(user), 'passwordHash', '', 'constructor'];
const records: unknown[] = [
  user,
  ...anything,
  ...names.flatMap((name) => anything.map((value) => ({ ...user, [name]: value }))),
  ...names.map((name) => Object.fromEntries(Object.entries(user).filter(([key]) => key !== name))),
  Object.fromEntries(Object.entries(user).toReversed()),
  Object.create(user),
  JSON.parse(`{"__proto__":${JSON.stringify(user)}}`),
  Object.assign(Object.create(null) as object, user),
];

const bySchema = (record: unknown): string | null => {
  const { data, success } = User.safeParse(record);
  return success ? (toOutputText(data)?.toSuperjson() ?? null) : null;
};

describe('the text of a user that was checked in one pass', () => {
  const texts = records.map((record) => ({ record, inOnePass: toUserText(record)?.toSuperjson() ?? null }));
  const written = texts.filter(({ inOnePass }) => inOnePass !== null);

  it('is exactly that of the schema, for records with each value in each member', () => {
    const different = written.filter(({ record, inOnePass }) => inOnePass !== bySchema(record));
    expect(different).toEqual([]);
  });

  it('exists for all records that have a text by the schema, so that none is slow', () => {
    const slow = texts.filter(({ record, inOnePass }) => inOnePass === null && bySchema(record) !== null);
    expect(slow).toEqual([]);
  });

  it('compares many of both', () => {
    expect(written.length).toBeGreaterThan(100);
    expect(texts.length - written.length).toBeGreaterThan(100);
  });
});
