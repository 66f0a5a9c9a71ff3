import { type PersonType, type SystemRole, toAsciiUpperCase } from '@auth-bff/shared';
import { AppError } from '../errors.ts';
import type { JsonObject } from './strict-parse.ts';

/** The person of a token. The id is unique only within its type: ids of staff and employees overlap. */
export type Principal = {
  type: PersonType;
  id: number;
  email: string | null;
  fullName: string | null;
  /** In upper case. `null`: the token does not contain systems. */
  systems: readonly string[] | null;
  /** The active roles. `null`: the token contains none, or role names without a system, which grant nothing. */
  roles: readonly SystemRole[] | null;
};

export type Subject = Pick<Principal, 'type' | 'id'>;

export const isSameSubject = (a: Subject, b: Subject): boolean => a.type === b.type && a.id === b.id;

const refuse = (what: string) => new AppError('token_invalid', { message: `The token is not valid: ${what}.` });

/** The Auth Service may write an absent claim as null. */
const isAbsent = (claim: unknown): claim is null | undefined => claim === undefined || claim === null;

const toId = (claim: unknown, name: string): number | null => {
  if (isAbsent(claim)) return null;
  const id = typeof claim === 'string' && /^[1-9]\d{0,15}$/.test(claim) ? Number(claim) : claim;
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 1) {
    throw refuse(`its ${name} is not a whole number of 1 or more`);
  }
  return id;
};

const toType = (payload: JsonObject): PersonType => {
  const claim = payload.user_type;
  const hasEmployeeId = !isAbsent(payload.employee_id);
  if (isAbsent(claim)) return hasEmployeeId ? 'employee' : 'staff';
  if (claim !== 'staff' && claim !== 'employee') throw refuse('its user_type is neither staff nor employee');
  // The ids contradict each other, and the wrong one would grant another person's session.
  if (claim === 'staff' && hasEmployeeId) throw refuse('its user_type is staff, but it has an employee_id');
  return claim;
};

const toSubject = (payload: JsonObject): Subject => {
  const type = toType(payload);
  const userId = toId(payload.user_id, 'user_id');
  if (type === 'staff') {
    if (userId === null) throw refuse('it has no user_id');
    return { type, id: userId };
  }
  const employeeId = toId(payload.employee_id, 'employee_id');
  const id = employeeId ?? userId;
  if (id === null) throw refuse('it is for an employee, but has no employee_id');
  if (userId !== null && userId !== id) throw refuse('its user_id and its employee_id differ');
  return { type, id };
};

/** A claim that is a non-empty text, or null. */
export const toText = (claim: unknown): string | null => (typeof claim === 'string' && claim !== '' ? claim : null);

/** A role with its system. Null: a name without a system, or an unreadable entry. */
const toScopedRole = (entry: unknown): (SystemRole & { isActive: boolean }) | null => {
  if (typeof entry !== 'object' || entry === null) return null;
  const { system, role, is_active: active } = entry as Record<string, unknown>;
  return typeof system === 'string' && typeof role === 'string' && system !== '' && role !== ''
    ? { system: toAsciiUpperCase(system), role, isActive: isAbsent(active) || active === true }
    : null;
};

/** The active roles that have a system. Null: the claim contains only names, whose systems are unknown. */
const toRoles = (claim: unknown): SystemRole[] | null => {
  if (!Array.isArray(claim)) return null;
  const entries = claim.map(toScopedRole);
  const roles = entries.flatMap((entry) =>
    entry?.isActive === true ? [{ system: entry.system, role: entry.role }] : [],
  );
  return roles.length === 0 && entries.includes(null) ? null : roles;
};

const toSystems = (claim: unknown, roles: readonly SystemRole[] | null): string[] | null => {
  const named = Array.isArray(claim)
    ? claim.filter((system): system is string => typeof system === 'string' && system !== '')
    : null;
  if (named === null && roles === null) return null;
  const all = [...(named ?? []), ...(roles ?? []).map(({ system }) => system)];
  return [...new Set(all.map(toAsciiUpperCase))];
};

/** The systems and roles that the claims name. */
export const claimsToMembership = ({ roles: claim, systems }: JsonObject): Pick<Principal, 'systems' | 'roles'> => {
  const roles = toRoles(claim);
  return { systems: toSystems(systems, roles), roles };
};

/** Reads all formats of claims that the Auth Service issues. Throws `token_invalid`. */
export const claimsToPrincipal = (payload: JsonObject): Principal => ({
  ...toSubject(payload),
  email: toText(payload.email),
  fullName: toText(payload.full_name),
  ...claimsToMembership(payload),
});
