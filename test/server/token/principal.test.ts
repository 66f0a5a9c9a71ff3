import { describe, expect, it } from 'vitest';
import { AppError } from '../../../server/src/errors.ts';
import { claimsToPrincipal, isSameSubject, type Principal, type Subject } from '../../../server/src/token/principal.ts';
import type { Claims } from '../../support/token/tokens.ts';

const stamp = { token_type: 'access', exp: 1_773_481_013, iat: 1_773_480_113, jti: '2f6d1c0e9b7a4c5d8e3f' };
const unknownPerson: Principal = { type: 'staff', id: 0, email: null, fullName: null, systems: null, roles: null };

const reasonFor = (claims: Claims): string => {
  try {
    const { type, id } = claimsToPrincipal(claims);
    return `${type} ${id}`;
  } catch (error) {
    if (error instanceof AppError) return error.reason;
    throw error;
  }
};

describe('claims of the Auth Service', () => {
  it.each<[string, Claims, Partial<Principal>]>([
    ['staff, as in the guide', { user_id: 123, user_type: 'staff', exp: stamp.exp, iat: stamp.iat }, { id: 123 }],
    [
      'staff, as documented',
      {
        ...stamp,
        user_id: 123,
        user_type: 'staff',
        email: 'ana@example.org',
        roles: ['Admin'],
        systems: ['TTS', 'AMS'],
      },
      // Role names without a system grant no permission: the roles are unknown, rather than an empty list.
      { id: 123, email: 'ana@example.org', systems: ['TTS', 'AMS'], roles: null },
    ],
    [
      'staff, as deployed',
      {
        ...stamp,
        user_id: 123,
        email: 'ana@example.org',
        username: 'ana',
        full_name: 'Ana Cruz',
        user_type: 'staff',
        roles: [
          { system: 'tts', role: 'Admin' },
          { system: 'bms', role: 'Budget Officer' },
        ],
      },
      {
        id: 123,
        email: 'ana@example.org',
        fullName: 'Ana Cruz',
        systems: ['TTS', 'BMS'],
        roles: [
          { system: 'TTS', role: 'Admin' },
          { system: 'BMS', role: 'Budget Officer' },
        ],
      },
    ],
    [
      'an employee, as documented',
      { token_type: 'access', exp: stamp.exp, employee_id: 456, user_type: 'employee', email: 'eve@example.org' },
      { type: 'employee', id: 456, email: 'eve@example.org' },
    ],
    [
      'an employee, as deployed',
      {
        ...stamp,
        user_id: 456,
        employee_id: 456,
        email: 'eve@example.org',
        username: 'eve',
        full_name: 'Eve Lim',
        user_type: 'employee',
        roles: [{ system: 'hdts', role: 'Employee' }],
      },
      {
        type: 'employee',
        id: 456,
        email: 'eve@example.org',
        fullName: 'Eve Lim',
        systems: ['HDTS'],
        roles: [{ system: 'HDTS', role: 'Employee' }],
      },
    ],
  ])('identify %s', (_, claims, principal) => {
    expect(claimsToPrincipal(claims)).toEqual({ ...unknownPerson, ...principal });
  });
});

describe('the subject of claims', () => {
  it.each<[Claims, string]>([
    [{ user_id: 1, user_type: 'staff' }, 'staff 1'],
    [{ user_id: 1 }, 'staff 1'],
    [{ user_id: 1, user_type: null, employee_id: null }, 'staff 1'],
    [{ user_id: '1' }, 'staff 1'],
    [{ user_id: '9007199254740991' }, 'staff 9007199254740991'],
    [{ employee_id: 1 }, 'employee 1'],
    [{ employee_id: '1', user_id: 1 }, 'employee 1'],
    [{ employee_id: 1, user_id: null, user_type: 'employee' }, 'employee 1'],
    [{ user_id: 1, user_type: 'employee' }, 'employee 1'],
    [{ user_id: '1', employee_id: 1, user_type: 'employee' }, 'employee 1'],
  ])('%j is %s', (claims, subject) => {
    expect(reasonFor(claims)).toBe(subject);
  });

  it.each<[Claims]>([
    [{}],
    [{ user_type: 'staff' }],
    [{ user_type: 'employee' }],
    [{ user_id: null }],
    [{ user_type: 'staff', employee_id: 1 }],
    [{ user_type: 'staff', employee_id: 1, user_id: 1 }],
    [{ user_type: 'staff', employee_id: 0, user_id: 1 }],
    [{ user_type: 'employee', employee_id: 1, user_id: 2 }],
    [{ employee_id: 1, user_id: 2 }],
    [{ employee_id: 0, user_id: 1 }],
    [{ employee_id: '', user_id: 1 }],
    [{ user_type: 'employee', employee_id: 1, user_id: 0 }],
    [{ user_type: 'employee', employee_id: [1], user_id: 1 }],
    [{ user_type: 'Employee', employee_id: 1 }],
    [{ user_type: 'customer', user_id: 1 }],
    [{ user_type: ['staff'], user_id: 1 }],
    [{ user_type: '', user_id: 1 }],
    [{ user_id: 0 }],
    [{ user_id: -1 }],
    [{ user_id: 1.5 }],
    [{ user_id: 9_007_199_254_740_992 }],
    [{ user_id: Number.NaN }],
    [{ user_id: '01' }],
    [{ user_id: '1e2' }],
    [{ user_id: ' 1' }],
    [{ user_id: '9007199254740992' }],
    [{ user_id: '10000000000000000' }],
    [{ user_id: [1] }],
    [{ user_id: { id: 1 } }],
    [{ user_id: true }],
  ])('%j is rejected', (claims) => {
    expect(reasonFor(claims)).toBe('token_invalid');
  });

  it('differs if the types differ although the ids are equal', () => {
    const staff: Subject = { type: 'staff', id: 1 };
    expect(isSameSubject(staff, { type: 'staff', id: 1 })).toBe(true);
    expect(isSameSubject(staff, { type: 'employee', id: 1 })).toBe(false);
    expect(isSameSubject(staff, { type: 'staff', id: 2 })).toBe(false);
  });
});

describe('the systems and roles of claims', () => {
  const admin = { system: 'TTS', role: 'Admin' };

  it.each<[string, Claims, Pick<Principal, 'systems' | 'roles'>]>([
    ['are unknown if the claims omit them', {}, { systems: null, roles: null }],
    ['are unknown if they are null', { systems: null, roles: null }, { systems: null, roles: null }],
    ['are empty if the lists are empty', { systems: [], roles: [] }, { systems: [], roles: [] }],
    ['leave the roles unknown if only systems are present', { systems: ['TTS'] }, { systems: ['TTS'], roles: null }],
    ['name no system if only role names are present', { roles: ['Admin'] }, { systems: null, roles: null }],
    ['follow from scoped roles', { roles: [{ system: 'tts', role: 'Admin' }] }, { systems: ['TTS'], roles: [admin] }],
    [
      'keep the case of a role',
      { roles: [{ system: 'Tts', role: 'tEcHnician' }] },
      { systems: ['TTS'], roles: [{ system: 'TTS', role: 'tEcHnician' }] },
    ],
    [
      'are merged, with each system once',
      { systems: ['ams', 'tts', 'AMS'], roles: [{ system: 'tts', role: 'Admin' }] },
      { systems: ['AMS', 'TTS'], roles: [admin] },
    ],
    [
      'assign no system to a plain name among scoped roles',
      { roles: ['Admin', { system: 'tts', role: 'Admin' }, 'Agent'] },
      { systems: ['TTS'], roles: [admin] },
    ],
    [
      'omit a scoped role with a missing part',
      {
        roles: [
          { system: 'tts' },
          { role: 'Admin' },
          { system: '', role: 'Admin' },
          { system: 'tts', role: '' },
          null,
          7,
        ],
      },
      { systems: null, roles: null },
    ],
    [
      'omit an inactive role and its system',
      {
        roles: [
          { system: 'ams', role: 'User', is_active: false },
          { system: 'tts', role: 'Admin', is_active: true },
        ],
      },
      { systems: ['TTS'], roles: [admin] },
    ],
    [
      'are empty if no role is active',
      { roles: [{ system: 'tts', role: 'Admin', is_active: false }] },
      { systems: [], roles: [] },
    ],
    [
      'keep a system that is listed beside an inactive role',
      { systems: ['TTS'], roles: [{ system: 'tts', role: 'Admin', is_active: false }] },
      { systems: ['TTS'], roles: [] },
    ],
    [
      'leave the roles unknown if a plain name stands beside an inactive role',
      { roles: ['Admin', { system: 'tts', role: 'Admin', is_active: false }] },
      { systems: null, roles: null },
    ],
    [
      'treat a role with is_active null as active, and no other value but true',
      {
        roles: [
          { system: 'tts', role: 'Admin', is_active: null },
          ...[0, 1, 'true', 'false', '', {}].map((active) => ({ system: 'ams', role: 'Admin', is_active: active })),
        ],
      },
      { systems: ['TTS'], roles: [admin] },
    ],
    [
      'are uppercased in ASCII only',
      { systems: ['ttſ', 'tts'], roles: [{ system: 'amſ', role: 'Admın' }] },
      { systems: ['TTſ', 'TTS', 'AMſ'], roles: [{ system: 'AMſ', role: 'Admın' }] },
    ],
    [
      'ignore other fields of a role',
      { roles: [{ system: 'tts', role: 'Admin', level: 9 }] },
      { systems: ['TTS'], roles: [admin] },
    ],
    ['are not read from a string', { systems: 'TTS', roles: 'Admin' }, { systems: null, roles: null }],
    ['are not read from an object', { systems: { 0: 'TTS' }, roles: { 0: admin } }, { systems: null, roles: null }],
    [
      'omit systems that are not strings',
      { systems: ['TTS', 1, null, '', ['AMS']] },
      { systems: ['TTS'], roles: null },
    ],
  ])('%s', (_, claims, { systems, roles }) => {
    const principal = claimsToPrincipal({ user_id: 1, ...claims });
    expect(principal.systems).toEqual(systems);
    expect(principal.roles).toEqual(roles);
  });
});

describe('the e-mail and name in claims', () => {
  it.each([[undefined], [null], [''], [7], [['ana@example.org']], [{ toString: 'ana' }]])(
    'are unknown for %j',
    (claim) => {
      expect(claimsToPrincipal({ user_id: 1, email: claim, full_name: claim })).toMatchObject({
        email: null,
        fullName: null,
      });
    },
  );
});
