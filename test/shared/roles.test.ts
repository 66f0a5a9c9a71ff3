import { hasRole, inSystem, RoleName, SystemName } from '@auth-bff/shared';
import { describe, expect, it } from 'vitest';

const technician = { systems: ['TTS'], roles: [{ system: 'TTS', role: 'Technician' }] };

describe('hasRole', () => {
  it.each([
    ['TTS', 'Technician'],
    ['tts', 'Technician'],
    ['TTS', 'technician'],
    ['tTs', 'TECHNICIAN'],
  ])('finds the role of %s, %s, in any case', (system, role) => {
    expect(hasRole(technician, system, role)).toBe(true);
  });

  it.each([
    ['another role of the system', 'TTS', 'Admin'],
    ['the same role of another system', 'AMS', 'Technician'],
    ['half of the role', 'TTS', 'Tech'],
    ['more than the role', 'TTS', 'Technician '],
    ['half of the system', 'TT', 'Technician'],
    ['the two exchanged', 'Technician', 'TTS'],
    ['no role', 'TTS', ''],
    ['neither', '', ''],
    ['a role with a dotless i, whose capital is I', 'TTS', 'Technıcian'],
    ['a system with a long s, whose capital is S', 'TTſ', 'Technician'],
  ])('does not find %s', (_, system, role) => {
    expect(hasRole(technician, system, role)).toBe(false);
  });

  it('does not combine the system of one role with the name of another', () => {
    const roles = [
      { system: 'TTS', role: 'Agent' },
      { system: 'AMS', role: 'Admin' },
    ];
    expect(hasRole({ roles }, 'TTS', 'Admin')).toBe(false);
    expect(hasRole({ roles }, 'AMS', 'Admin')).toBe(true);
  });

  it('is false if there are no roles, or if they are unknown', () => {
    expect(hasRole({ roles: [] }, 'TTS', 'Admin')).toBe(false);
    expect(hasRole({ roles: null }, 'TTS', 'Admin')).toBe(false);
  });
});

describe('inSystem', () => {
  it.each([
    ['membership', { systems: ['TTS', 'AMS'], roles: null }],
    ['membership in lower case', { systems: ['ams'], roles: [] }],
    ['any role in it', { systems: null, roles: [{ system: 'AMS', role: 'Viewer' }] }],
    ['a role in it, though membership leaves it out', { systems: ['TTS'], roles: [{ system: 'ams', role: 'Viewer' }] }],
  ])('is true by %s', (_, membership) => {
    expect(inSystem(membership, 'AMS')).toBe(true);
    expect(inSystem(membership, 'ams')).toBe(true);
  });

  it.each([
    ['nothing is known', { systems: null, roles: null }],
    ['there is nothing', { systems: [], roles: [] }],
    ['it is all of other systems', { systems: ['TTS'], roles: [{ system: 'BMS', role: 'AMS' }] }],
    ['a name only begins alike', { systems: ['AMS2', 'AM'], roles: null }],
    ['a name has a long s, whose capital is S', { systems: ['AMſ'], roles: [{ system: 'amſ', role: 'Viewer' }] }],
  ])('is false if %s', (_, membership) => {
    expect(inSystem(membership, 'AMS')).toBe(false);
  });
});

describe('SystemName', () => {
  it.each([
    ['TTS', 'TTS'],
    ['tts', 'TTS'],
    [' hdts ', 'HDTS'],
    ['a-b_9', 'A-B_9'],
    ['x'.repeat(32), 'X'.repeat(32)],
  ])('%j is %s', (input, system) => {
    expect(SystemName.parse(input)).toBe(system);
  });

  it.each([
    '',
    ' ',
    'T T',
    'tts/../ams',
    'tts?role=1',
    'tts&system=AMS',
    'ttß',
    'ttſ',
    'tts\n x',
    'x'.repeat(33),
    7,
    null,
    ['TTS'],
  ])('rejects %j', (input) => {
    expect(SystemName.safeParse(input).success).toBe(false);
  });
});

describe('RoleName', () => {
  it.each([
    ['Technician', 'Technician'],
    [' Budget Officer ', 'Budget Officer'],
    ['x'.repeat(100), 'x'.repeat(100)],
  ])('%j is %s, in its own case', (input, role) => {
    expect(RoleName.parse(input)).toBe(role);
  });

  it.each(['', '  ', 'x'.repeat(101), 7, null, ['Admin']])('rejects %j', (input) => {
    expect(RoleName.safeParse(input).success).toBe(false);
  });
});
