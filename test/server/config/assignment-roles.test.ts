import { describe, expect, it } from 'vitest';
import { ConfigError, loadConfig } from '../../../server/src/config.ts';

const required = {
  DJANGO_JWT_SIGNING_KEY: 'signing-key-of-32-bytes-exactly!',
  AUTH_SERVICE_URL: 'http://auth-service:8000',
  AUTH_API_KEY: 'internal-api-key',
};
const rolesOf = (text: string) => loadConfig({ ...required, ASSIGNMENT_ROLES: text }).assignmentRoles;

const faultOf = (text: string): string => {
  try {
    rolesOf(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.faults.map(({ variable, fault }) => `${variable} ${fault}`).join();
    throw error;
  }
  throw new Error('ASSIGNMENT_ROLES was accepted.');
};

describe('ASSIGNMENT_ROLES', () => {
  it('lists roles with their systems, in any case, each once', () => {
    const manager = { system: 'TTS', role: 'Manager' };
    expect(rolesOf('TTS:Manager,TTS:Admin')).toEqual([manager, { system: 'TTS', role: 'Admin' }]);
    expect(rolesOf(' tts : Manager , TTS:MANAGER,tts:manager,')).toEqual([manager]);
    expect(rolesOf('my_sys-2:Head of IT: night, HDTS:Leiterin für Störungen')).toEqual([
      { system: 'MY_SYS-2', role: 'Head of IT: night' },
      { system: 'HDTS', role: 'Leiterin für Störungen' },
    ]);
    // Two letters, of which Unicode makes one: the Kelvin sign and k.
    expect(rolesOf('TTS:Clerk,TTS:Cler\u212a')).toHaveLength(2);
    expect(rolesOf(`TTS:${'r'.repeat(100)}`)).toHaveLength(1);
    expect(rolesOf(' ')).toEqual([]);
  });

  it.each([
    [',', 'it has no entry'],
    ['Manager', 'entry 1 has no colon between the system and the role'],
    [
      'TTS:Manager,:Manager',
      'entry 2 has a bad system: its short name has 1 to 32 letters, digits, hyphens and underscores',
    ],
    ['T T S:Manager', 'entry 1 has a bad system: its short name has 1 to 32 letters, digits, hyphens and underscores'],
    [
      `${'T'.repeat(33)}:Manager`,
      'entry 1 has a bad system: its short name has 1 to 32 letters, digits, hyphens and underscores',
    ],
    ['TTS:', 'entry 1 names no role'],
    ['TTS:*', 'entry 1 has a *: wildcards are not supported'],
    [`TTS:${'r'.repeat(101)}`, 'entry 1 has a role of more than 100 characters'],
    ['TTS:Mana\tger', 'entry 1 has a control character'],
  ])('%j is a fault that says what is wrong', (text, fault) => {
    expect(faultOf(text)).toBe(
      `ASSIGNMENT_ROLES expected entries system:role, comma-separated, such as TTS:Manager,TTS:Admin (${fault})`,
    );
  });

  it('names every faulty entry, and repeats none', () => {
    const fault = faultOf('secretone,TTS:Manager,secrettwo,TTS:,secretthree,TTS:*');
    for (const entry of [1, 3, 4, 5, 6]) expect(fault).toContain(`entry ${entry} `);
    expect(fault).not.toContain('entry 2 ');
    expect(fault).not.toContain('secret');
  });
});
