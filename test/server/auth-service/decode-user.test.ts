import { describe, expect, it } from 'vitest';
import { decode } from '../../../server/src/auth-service/decode.ts';
import { decodeUser } from '../../../server/src/auth-service/decode-user.ts';
import { endpoints } from '../../../server/src/auth-service/endpoints.ts';
import { WireBulkUser } from '../../../server/src/auth-service/wire-user.ts';
import { AppError } from '../../../server/src/errors.ts';

const bySchema = (json: unknown) => decode(endpoints.users, WireBulkUser, json);
const inOnePass = (json: unknown) => decodeUser(endpoints.users, json);

const outcomeOf = (read: (json: unknown) => unknown, json: unknown): unknown => {
  try {
    return read(json);
  } catch (error) {
    if (error instanceof AppError) return { reason: error.reason, message: error.message };
    throw error;
  }
};

const guide = {
  id: 5,
  email: 'ana@example.com',
  first_name: 'Ana',
  last_name: 'Cruz',
  company_id: 'MA0005',
  department: 'IT',
  position: null,
  is_active: true,
  date_joined: '2021-04-05T06:07:08.123456Z',
  systems: ['TTS', 'ams'],
  roles: [{ system: 'tts', role: 'Technician' }, 'Admin'],
};
const { systems: _systems, roles: _roles, ...rest } = guide;
const deployed = {
  ...rest,
  username: 'ana',
  system_roles: [{ system_name: 'Tickets', system_slug: 'tts', role_name: 'Technician', is_active: true }],
};

const anything = [undefined, null, '', 'text', 'AMS', 0, 1, -1, 1.5, 2 ** 53, '7', '07', true, false, [], {}];
const times = [
  '2021-04-05',
  '2021-04-05 06:07:08',
  '2021-04-05T06:07:08.5',
  '2021-04-05T06:07:08+0800',
  '2021-13-45',
  '2021-02-30',
  '2021-04-05 or so',
  '05/04/2021',
  ' 2021-04-05',
  '2021-04-05T25:00:00Z',
];
const lists = anything.map((item) => (item === undefined ? [] : [item]));
const roleFields = ['system', 'system_slug', 'role', 'role_name', 'is_active'];
const entries = roleFields.flatMap((name) => anything.map((value) => [{ system: 'tts', role: 'User', [name]: value }]));
/** Several faults, of which the schema reports the first. */
const pairs = [
  ['text', null],
  [{ role: 'User' }, { role: 1, system: 2 }],
  [{ role: '' }, ''],
];
const values = [...anything, ...times, ...lists, ...entries, ...pairs];

const withEachValue = (base: object): unknown[] =>
  Object.keys({ ...guide, ...deployed, roles_v2: [] }).flatMap((name) =>
    values.map((value) => ({ ...base, [name]: value })),
  );

/** As it arrives: without fields that are undefined. */
const overJson = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

describe('decodeUser', () => {
  it.each<[string, unknown[]]>([
    ["the guide's records, with each value in each field", withEachValue(guide)],
    ['the records of the deployed service, with each value in each field', withEachValue(deployed)],
    ['records with two fields of the wrong type', withEachValue({ ...guide, last_name: 7 })],
    ['values that are no records', [...values, [guide]]],
  ])('accepts, maps and rejects the same as the schema: %s', (_name, records) => {
    const different = records
      .map(overJson)
      .map((json) => ({ json, expected: outcomeOf(bySchema, json), actual: outcomeOf(inOnePass, json) }))
      .filter(({ expected, actual }) => !isEqual(expected, actual));
    expect(different).toEqual([]);
  });

  it('reads a __proto__ field as an unknown one', () => {
    const json: unknown = JSON.parse(`{"__proto__": ${JSON.stringify(guide)}, "id": 5}`);
    expect(outcomeOf(inOnePass, json)).toEqual(outcomeOf(bySchema, json));
    expect(() => inOnePass(json)).toThrow(' at email: ');
  });
});

/** Also tells apart a missing field and null, and compares the order of lists. */
const isEqual = (a: unknown, b: unknown): boolean => describeValue(a) === describeValue(b);
const describeValue = (value: unknown): string =>
  JSON.stringify(value, (_key, part: unknown) => (part instanceof Set ? [...part].map(String).toSorted() : part));
