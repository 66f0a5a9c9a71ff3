import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { decode } from '../../../server/src/auth-service/decode.ts';
import { endpoints } from '../../../server/src/auth-service/endpoints.ts';
import {
  WireEmployee,
  WireTokenResponse,
  WireMe,
  WireUsers,
  WireValidation,
} from '../../../server/src/auth-service/wire.ts';
import { WireUser } from '../../../server/src/auth-service/wire-user.ts';
import { WirePeopleWithRoles, WireSystemUsers, WireUserIds } from '../../../server/src/auth-service/wire-roles.ts';
import { type AppError, isAppError } from '../../../server/src/errors.ts';

const read = <Schema extends z.ZodType>(schema: Schema, json: unknown): z.output<Schema> =>
  decode(endpoints.user(1), schema, json);

const errorOf = (schema: z.ZodType, json: unknown): AppError => {
  try {
    read(schema, json);
  } catch (error) {
    if (isAppError(error)) return error;
    throw error;
  }
  throw new Error('Expected an error.');
};

/** The smallest valid user: the fields that no response omits. */
const least = { id: 123, email: 'user@example.com', first_name: 'John', last_name: 'Doe' };
const user = {
  id: 123,
  email: 'user@example.com',
  firstName: 'John',
  lastName: 'Doe',
  companyId: null,
  department: null,
  position: null,
  isActive: null,
  joinedAt: null,
  systems: null,
  roles: null,
};
const technician = { system: 'TTS', role: 'Technician' };
const amsUser = { system: 'AMS', role: 'User' };

describe('WireUser', () => {
  it.each([
    ['of the required fields only', {}, {}],
    [
      "of the guide's example",
      { company_id: 'MA0001', systems: ['TTS', 'AMS'], roles: [technician, amsUser] },
      { companyId: 'MA0001', systems: ['TTS', 'AMS'], roles: [technician, amsUser] },
    ],
    [
      'as documented elsewhere',
      {
        company_id: 'MA0001',
        department: 'IT',
        profile_pic: '/media/1.png',
        is_active: true,
        system_roles: [{ system: 'Ticket Tracking', system_slug: 'tts', role: 'Technician', is_active: true }],
      },
      { companyId: 'MA0001', department: 'IT', isActive: true, systems: ['TTS'], roles: [technician] },
    ],
    [
      'as deployed',
      { department: 'IT', position: 'Technician I', is_active: true, date_joined: '2021-04-05T06:07:08.123456Z' },
      {
        department: 'IT',
        position: 'Technician I',
        isActive: true,
        joinedAt: new Date(Date.UTC(2021, 3, 5, 6, 7, 8, 123)),
      },
    ],
    [
      "as in the deployed service's profile",
      {
        username: 'john.doe',
        company_id: 'MA0001',
        system_roles: [
          { system_name: 'Ticket Tracking', system_slug: 'tts', role_name: 'Technician', is_active: true },
          { system_name: 'Asset Management', system_slug: 'ams', role_name: 'User', is_active: false },
        ],
        token_validated_at: '2026-01-01T00:00:00Z',
      },
      { companyId: 'MA0001', systems: ['TTS'], roles: [technician] },
    ],
    [
      'with null for every optional field',
      {
        company_id: null,
        department: null,
        position: null,
        is_active: null,
        date_joined: null,
        systems: null,
        roles: null,
        system_roles: null,
      },
      {},
    ],
    ['with an id as a string', { id: '123' }, {}],
    ['with unknown fields', { roles_v2: [1], constructor: 1, toString: null, password: 'x' }, {}],
    ['that is inactive', { is_active: false }, { isActive: false }],
    ['of no system', { systems: [], roles: [] }, { systems: [], roles: [] }],
  ])('%s', (_name, fields, expected) => {
    expect(read(WireUser, { ...least, ...fields }).user).toEqual({ ...user, ...expected });
  });

  it.each([
    ['{system, role}', { roles: [technician] }, ['TTS'], [technician]],
    ['{system, role} in lower case', { roles: [{ system: 'tts', role: 'Technician' }] }, ['TTS'], [technician]],
    ['system_roles by slug', { system_roles: [{ system_slug: 'tts', role: 'Technician' }] }, ['TTS'], [technician]],
    ['system_roles by name', { system_roles: [{ system: 'TTS', role_name: 'Technician' }] }, ['TTS'], [technician]],
    [
      'a slug, which takes precedence over the name',
      { system_roles: [{ system: 'Ticket Tracking', system_slug: 'tts', role: 'Technician' }] },
      ['TTS'],
      [technician],
    ],
    [
      'an empty slug, which does not take precedence',
      { system_roles: [{ system: 'TTS', system_slug: '', role: 'Technician', role_name: '' }] },
      ['TTS'],
      [technician],
    ],
    ['a role without is_active', { system_roles: [{ ...technician }] }, ['TTS'], [technician]],
    ['a role with is_active null', { system_roles: [{ ...technician, is_active: null }] }, ['TTS'], [technician]],
    [
      'a system, of which only ASCII letters are uppercased',
      { roles: [{ ...technician, system: 'ttſ' }] },
      ['TTſ'],
      [{ ...technician, system: 'TTſ' }],
    ],
    ['a revoked role', { system_roles: [{ ...technician, is_active: false }] }, [], []],
    ['a revoked role in roles', { roles: [{ ...technician, is_active: false }, amsUser] }, ['AMS'], [amsUser]],
    ['roles as names, which name no system', { roles: ['Admin', 'Technician'] }, null, null],
    ['roles as names beside systems', { systems: ['TTS', 'AMS'], roles: ['Admin'] }, ['TTS', 'AMS'], null],
    ['roles as names beside system_roles', { roles: ['Admin'], system_roles: [technician] }, ['TTS'], [technician]],
    ['names among scoped roles', { roles: ['Admin', technician] }, ['TTS'], [technician]],
    [
      'roles without a system',
      { roles: [{ role: 'Admin' }, { system: '', role: 'x' }, { system: null, role: 'y' }] },
      null,
      null,
    ],
    ['a system without a role', { roles: [{ system: 'TTS' }] }, [], []],
    ['systems alone', { systems: ['tts', 'TTS', 'ams'] }, ['TTS', 'AMS'], null],
    [
      'roles alone',
      { roles: [technician, amsUser, { system: 'tts', role: 'Admin' }] },
      ['TTS', 'AMS'],
      expect.any(Array),
    ],
    ['systems and roles that differ', { systems: ['BMS'], roles: [technician] }, ['BMS', 'TTS'], [technician]],
    ['roles before system_roles', { roles: [technician], system_roles: [amsUser] }, ['TTS'], [technician]],
  ])('reads %s', (_name, fields, systems, roles) => {
    expect(read(WireUser, { ...least, ...fields }).user).toMatchObject({ systems, roles });
  });

  it.each([
    ['a time in UTC', '2021-04-05T06:07:08Z', Date.UTC(2021, 3, 5, 6, 7, 8)],
    ['microseconds', '2021-04-05T06:07:08.999999Z', Date.UTC(2021, 3, 5, 6, 7, 8, 999)],
    ['another zone', '2021-04-05T14:07:08+08:00', Date.UTC(2021, 3, 5, 6, 7, 8)],
    ['a zone without its colon', '2021-04-05T14:07:08+0800', Date.UTC(2021, 3, 5, 6, 7, 8)],
    [
      'no zone, which is UTC regardless of the local time zone',
      '2021-04-05T06:07:08.5',
      Date.UTC(2021, 3, 5, 6, 7, 8, 500),
    ],
    ['no seconds', '2021-04-05T06:07Z', Date.UTC(2021, 3, 5, 6, 7)],
    [
      'a space before the time, as Python prints it',
      '2021-04-05 06:07:08.123456+00:00',
      Date.UTC(2021, 3, 5, 6, 7, 8, 123),
    ],
    ['a space, and no zone', '2021-04-05 06:07:08', Date.UTC(2021, 3, 5, 6, 7, 8)],
    ['a date', '2021-04-05', Date.UTC(2021, 3, 5)],
  ])('reads %s', (_name, text, expected) => {
    const zone = process.env.TZ;
    try {
      process.env.TZ = 'America/New_York';
      expect(read(WireUser, { ...least, date_joined: text }).user.joinedAt).toEqual(new Date(expected));
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });
});

const secret = 'a value that must never be logged';

describe('an unexpected response', () => {
  it.each([
    ['id', { ...least, id: undefined }],
    ['id', { ...least, id: null }],
    ['id', { ...least, id: secret }],
    ['id', { ...least, id: 0 }],
    ['id', { ...least, id: -1 }],
    ['id', { ...least, id: 1.5 }],
    ['id', { ...least, id: '0123' }],
    ['id', { ...least, id: '1e3' }],
    ['id', { ...least, id: ' 1' }],
    ['id', { ...least, id: '' }],
    ['id', { ...least, id: '9999999999999999' }],
    ['id', { ...least, id: Number.MAX_SAFE_INTEGER + 1 }],
    ['id', { ...least, id: [1] }],
    ['id', { ...least, id: true }],
    ['email', { ...least, email: undefined }],
    ['email', { ...least, email: null }],
    ['email', { ...least, email: { address: secret } }],
    ['first_name', { ...least, first_name: 7 }],
    ['last_name', { ...least, last_name: [secret] }],
    ['company_id', { ...least, company_id: 12_345 }],
    ['department', { ...least, department: { name: secret } }],
    ['position', { ...least, position: false }],
    ['is_active', { ...least, is_active: 'yes' }],
    ['is_active', { ...least, is_active: 1 }],
    ['date_joined', { ...least, date_joined: secret }],
    ['date_joined', { ...least, date_joined: '' }],
    ['date_joined', { ...least, date_joined: 1_700_000_000 }],
    ['date_joined', { ...least, date_joined: '05/04/2021' }],
    ['date_joined', { ...least, date_joined: '2021-13-45' }],
    ['date_joined', { ...least, date_joined: '2021-04-05 or so' }],
    ['systems', { ...least, systems: secret }],
    ['systems.1', { ...least, systems: ['TTS', { slug: secret }] }],
    ['roles', { ...least, roles: secret }],
    ['roles', { ...least, roles: { TTS: secret } }],
    ['roles.1', { ...least, roles: [technician, 7] }],
    ['roles.0', { ...least, roles: [null] }],
    ['roles.0.system', { ...least, roles: [{ system: { name: secret }, role: 'x' }] }],
    ['roles.1.role', { ...least, roles: [technician, { system: 'TTS', role: [secret] }] }],
    ['system_roles.0.is_active', { ...least, system_roles: [{ ...technician, is_active: secret }] }],
    ['system_roles.0.role_name', { ...least, system_roles: [{ system_slug: 'tts', role_name: 5 }] }],
    ['the top level', secret],
    ['the top level', null],
    ['the top level', [least]],
    ['the top level', 7],
  ])('a user at %s', (path, json) => {
    const error = errorOf(WireUser, json);
    expect(error.reason).toBe('auth_service_contract');
    expect(error.message).toContain(`user-info`);
    expect(error.message).toContain(` at ${path}: `);
    expect(JSON.stringify([error.message, error.cause ?? null, error.issues ?? null])).not.toContain(secret);
  });

  it.each<[string, string, z.ZodType, unknown]>([
    ['WireEmployee', 'id', WireEmployee, { ...least, id: secret }],
    ['WireEmployee', 'status', WireEmployee, { ...least, status: { name: secret } }],
    ['WireEmployee', 'created_at', WireEmployee, { ...least, created_at: secret }],
    ['WireUserIds', 'user_ids', WireUserIds, { ids: [secret] }],
    ['WireUserIds', 'user_ids', WireUserIds, { user_ids: secret }],
    ['WireUserIds', 'user_ids.1', WireUserIds, { user_ids: [1, secret] }],
    ['WireUserIds', 'system', WireUserIds, { user_ids: [1], system: { slug: secret } }],
    ['WireUserIds', '2', WireUserIds, [1, 2, secret]],
    ['WireUserIds', '0', WireUserIds, [{ id: 1, name: secret }]],
    ['WireUserIds', 'the top level', WireUserIds, null],
    ['WireValidation', 'the top level', WireValidation, {}],
    ['WireValidation', 'the top level', WireValidation, { detail: secret }],
    ['WireValidation', 'valid', WireValidation, { valid: secret }],
    ['WireValidation', 'valid', WireValidation, { valid: 1 }],
    ['WireValidation', 'user_id', WireValidation, { valid: true, user_id: secret }],
    ['whose token it is', 'data', WireMe, { type: 'employee' }],
    ['whose token it is', 'type', WireMe, { data: { id: 1 } }],
    ['whose token it is', 'data.id', WireMe, { type: 'employee', data: { id: secret } }],
    ['WireTokenResponse', 'access_token', WireTokenResponse, { access_token: { token: secret } }],
    ['WireTokenResponse', 'otp_required', WireTokenResponse, { otp_required: secret }],
    ['WireTokenResponse', 'the top level', WireTokenResponse, secret],
    ['WireUsers', 'the top level', WireUsers, { users: secret }],
    ['WireUsers', 'the top level', WireUsers, { error: secret }],
    ['WireUsers', 'the top level', WireUsers, secret],
    ['WireUsers', 'the top level', WireUsers, null],
    ['WireUsers', 'users.1.id', WireUsers, { users: [least, { ...least, id: secret }] }],
    ['WireUsers', 'users.0.id', WireUsers, { users: [null] }],
    ['WireUsers', '1.id', WireUsers, [least, { email: secret }]],
    ['WireUsers', '0', WireUsers, { 0: least }],
  ])('%s at %s', (_name, path, schema, json) => {
    const error = errorOf(schema, json);
    expect(error.reason).toBe('auth_service_contract');
    expect(error.message).toContain(` at ${path}: `);
    expect(JSON.stringify([error.message, error.cause ?? null])).not.toContain(secret);
  });
});

describe('WireUsers', () => {
  const five = { ...least, id: 5 };
  it.each<[string, unknown, Array<[number, unknown]>]>([
    [
      '{users, not_found}',
      { users: [five, least], not_found: [7] },
      [
        [5, five],
        [123, least],
      ],
    ],
    ['{users}', { users: [least] }, [[123, least]]],
    ['{users} with no user', { users: [], not_found: [1] }, []],
    [
      'an object by id',
      { 5: five, 123: least },
      [
        [5, five],
        [123, least],
      ],
    ],
    ['an empty object by id', {}, []],
    [
      'a list',
      [least, five],
      [
        [123, least],
        [5, five],
      ],
    ],
    ['an empty list', [], []],
    ['ids as strings', [{ ...five, id: '5' }], [[5, { ...five, id: '5' }]]],
    ['null under a key, which is an unknown user', { 5: null }, [[5, null]]],
  ])('reads %s', (_name, json, expected) => {
    const byId = read(WireUsers, json);
    expect([...byId].toSorted(([a], [b]) => a - b)).toEqual(expected.toSorted(([a], [b]) => a - b));
  });

  it('keeps each record under its key, so that it cannot pass as another user', () => {
    expect([...read(WireUsers, { 5: least }).keys()]).toEqual([5]);
  });

  it('reads only the id of a broken record, so that the other records remain usable', () => {
    expect([...read(WireUsers, { users: [{ id: 5 }, least] }).keys()]).toEqual([5, 123]);
  });
});

describe('WireEmployee', () => {
  it.each([
    [
      'as documented in the guide',
      { status: 'active', created_at: '2022-01-02T03:04:05Z' },
      { status: 'active', createdAt: new Date(Date.UTC(2022, 0, 2, 3, 4, 5)) },
    ],
    ['without status and date', {}, { status: null, createdAt: null }],
    ['with null for both', { status: null, created_at: null }, { status: null, createdAt: null }],
    [
      'with the extra fields of the deployed service',
      {
        username: secret,
        phone_number: secret,
        company_id: secret,
        profile_picture: secret,
        system_roles: secret,
        last_login: secret,
      },
      { status: null, createdAt: null },
    ],
  ])('%s', (_name, fields, expected) => {
    const public_ = { id: 123, email: 'user@example.com', firstName: 'John', lastName: 'Doe' };
    expect(read(WireEmployee, { ...least, ...fields })).toEqual({ ...public_, ...expected });
  });
});

describe('WireUserIds', () => {
  it.each([
    ["the guide's object", { user_ids: [1, 5, 12, 23] }, [1, 5, 12, 23], null, false],
    ['with extra fields', { user_ids: [1], system: 'TTS', role: 'x', count: 1 }, [1], 'TTS', false],
    ['with no id', { user_ids: [] }, [], null, false],
    ['ids as strings', { user_ids: ['1', '5'], system: null }, [1, 5], null, false],
    ['a bare list', [3, 6, 8], [3, 6, 8], null, true],
    ['a bare list of strings', ['3'], [3], null, true],
    ['a bare list with no id', [], [], null, true],
  ])('%s', (_name, json, userIds, system, isBare) => {
    expect(read(WireUserIds, json)).toEqual({ userIds, system, isBare });
  });
});

describe('WireValidation', () => {
  it.each([
    [
      'as documented',
      { valid: true, user_id: 123, user_type: 'staff', expires_at: 'x' },
      { isValid: true, id: 123, type: 'staff' },
    ],
    ['that is invalid', { valid: false }, { isValid: false, id: null, type: null }],
    ['with an id as a string', { valid: true, user_id: '123' }, { isValid: true, id: 123, type: null }],
    ['as a profile', { ...least, token_validated_at: 'x' }, { isValid: true, id: 123, type: null }],
    [
      'as a profile with user_id, which takes precedence',
      { id: 9, user_id: 123 },
      { isValid: true, id: 123, type: null },
    ],
    ['with the validation time only', { token_validated_at: 'x' }, { isValid: true, id: null, type: null }],
  ])('%s', (_name, json, expected) => {
    expect(read(WireValidation, json)).toEqual(expected);
  });

  it.each([
    ['employee', { id: 1 }, 'employee', 1],
    ['employee', { employee_id: '1' }, 'employee', 1],
    ['user', { id: 1 }, 'staff', 1],
    ['staff', { user_id: 1 }, 'staff', 1],
    ['robot', { id: 1 }, null, 1],
    ['employee', {}, 'employee', null],
  ])('WireMe reads the owner of a token: %s %j', (type, data, expected, id) => {
    expect(read(WireMe, { type, data })).toEqual({ type: expected, id });
  });
});

describe('WirePeopleWithRoles', () => {
  it('reads users, ignores all_users, and drops disabled roles', () => {
    const tts = { system_name: 'Ticket Tracking', system_slug: 'tts', role_name: 'Technician', is_active: true };
    const ams = { system_slug: 'ams', role_name: 'User', is_active: false };
    const json = {
      count: 2,
      users: [{ id: 5, is_active: true, system_roles: [tts, ams] }, { id: '6' }],
      all_users: [{ id: 5, system_roles: [{ system_slug: 'hdts', role_name: 'Employee' }] }],
    };
    expect(read(WirePeopleWithRoles, json)).toEqual([
      { id: 5, isActive: true, roles: [{ system: 'TTS', role: 'Technician' }] },
      { id: 6, isActive: null, roles: [] },
    ]);
  });

  it('WireSystemUsers has one entry per person and role', () => {
    const entry = { id: 45, email: 'elena.popescu@example.com', system_slug: 'bms' };
    const json = {
      system: { id: 2, slug: 'bms' },
      users: [
        { ...entry, role: 'Manager' },
        { id: 45, role: 'Approver', is_active: true },
        { id: 46, role: 'Approver', is_active: false },
      ],
    };
    expect(read(WireSystemUsers, json)).toEqual({
      system: 'BMS',
      people: [
        ...['Manager', 'Approver'].map((role) => ({ id: 45, isActive: null, roles: [{ system: 'BMS', role }] })),
        { id: 46, isActive: null, roles: [] },
      ],
    });
  });

  it.each([
    [WirePeopleWithRoles, {}, 'users'],
    [WirePeopleWithRoles, { users: [{ id: 0 }] }, 'users.0.id'],
    [WirePeopleWithRoles, { users: [{ id: 1, system_roles: 'Admin' }] }, 'users.0.system_roles'],
    [WireSystemUsers, { users: [] }, 'system'],
    [WireSystemUsers, { system: { slug: 'bms' }, users: [{ id: 1 }] }, 'users.0.role'],
  ])('throws auth_service_contract for unreadable lists: %#', (schema, json, path) => {
    const error = errorOf(schema, json);
    expect(error.reason).toBe('auth_service_contract');
    expect(error.message).toContain(`at ${path}:`);
  });
});

describe('WireTokenResponse', () => {
  const nothing = {
    accessToken: null,
    refreshToken: null,
    isOtpRequired: false,
    temporaryToken: null,
    isRefused: false,
    status: null,
    isActive: null,
  };
  it.each([
    ['nothing', {}, {}],
    ['staff tokens', { access_token: 'a', refresh_token: 'r' }, { accessToken: 'a', refreshToken: 'r' }],
    ['employee tokens', { access: 'a', refresh: 'r' }, { accessToken: 'a', refreshToken: 'r' }],
    ['empty tokens', { access_token: '', refresh_token: '', access: null }, {}],
    ['a second factor, as documented in the guide', { requires_2fa: true }, { isOtpRequired: true }],
    ['a second factor of an employee', { requires_otp: true, email: 'e' }, { isOtpRequired: true }],
    [
      'a second factor, as deployed',
      { success: false, otp_required: true, temporary_token: 't' },
      { isOtpRequired: true, temporaryToken: 't', isRefused: true },
    ],
    ['no second factor', { requires_2fa: false, requires_otp: null, otp_required: false }, {}],
    ['a failed sign-in', { success: false }, { isRefused: true }],
    ['the status of an employee', { employee: { status: 'Rejected' } }, { status: 'Rejected' }],
    [
      'the status of a staff member',
      { user: { status: 'Approved', is_active: false } },
      { status: 'Approved', isActive: false },
    ],
    ['an unreadable person', { employee: 'Alice', user: { is_active: 'yes' } }, {}],
  ])('%s', (_name, json, expected) => {
    expect(read(WireTokenResponse, json)).toEqual({ ...nothing, ...expected });
  });
});
