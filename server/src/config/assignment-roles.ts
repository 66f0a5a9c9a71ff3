import {
  equalsIgnoringAsciiCase,
  maxRoleNameLength,
  type SystemRole,
  systemNamePattern,
  toAsciiUpperCase,
} from '@auth-bff/shared';
import { type Parsed, toList } from './parse.ts';

const expected = 'expected entries system:role, comma-separated, such as TTS:Manager,TTS:Admin';

const toSystemRole = (entry: string): SystemRole => {
  const at = entry.indexOf(':');
  return { system: toAsciiUpperCase(entry.slice(0, at).trim()), role: entry.slice(at + 1).trim() };
};

/** What is wrong with an entry: a clause that continues after `entry 2`. Null: nothing. */
const faultOf = (entry: string): string | null => {
  if (!entry.includes(':')) return 'has no colon between the system and the role';
  const { system, role } = toSystemRole(entry);
  if (!systemNamePattern.test(system)) {
    return 'has a bad system: its short name has 1 to 32 letters, digits, hyphens and underscores';
  }
  if (role === '') return 'names no role';
  if (role === '*') return 'has a *: wildcards are not supported';
  if (role.length > maxRoleNameLength) return `has a role of more than ${maxRoleNameLength} characters`;
  return /\p{Cc}/u.test(role) ? 'has a control character' : null;
};

const isSame = (a: SystemRole, b: SystemRole): boolean =>
  a.system === b.system && equalsIgnoringAsciiCase(a.role, b.role);

/** ASSIGNMENT_ROLES: distinct roles, with their systems in upper case. */
export const parseAssignmentRoles = (text: string): Parsed<SystemRole[]> => {
  const entries = toList(text);
  // Without this, a lone comma would restrict nothing.
  if (entries.length === 0) return { fault: `${expected} (it has no entry)` };
  const faults = entries.flatMap((entry, index) => {
    const fault = faultOf(entry);
    return fault === null ? [] : [`entry ${index + 1} ${fault}`];
  });
  if (faults.length > 0) return { fault: `${expected} (${faults.join('; ')})` };
  const roles = entries.map(toSystemRole);
  return { value: roles.filter((role, index) => roles.findIndex((other) => isSame(role, other)) === index) };
};
