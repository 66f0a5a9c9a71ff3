import { equalsIgnoringAsciiCase, hasRole, inSystem } from '@auth-bff/shared';
import type { PolicyRequest } from './policy.ts';

/** The roles that manage the turns of a system that ASSIGNMENT_ROLES does not list. */
const defaultLeadRoles = ['Admin', 'Manager'];

type AssignmentRequest = PolicyRequest & { input: { system: string; userId?: number } };

/** The roles that ASSIGNMENT_ROLES lists for the system of the input. */
const listedRoles = ({ assignmentRoles, input }: AssignmentRequest): string[] =>
  assignmentRoles.filter(({ system }) => equalsIgnoringAsciiCase(system, input.system)).map(({ role }) => role);

const isMember = async ({ principal, member, input }: AssignmentRequest): Promise<boolean> =>
  principal.type === 'staff' && inSystem(await member(), input.system);

/** Whether the caller has one of the roles. People of other systems are rejected without a lookup of their roles. */
const hasAnyRole = async (request: AssignmentRequest, roles: readonly string[]): Promise<boolean> => {
  if (!(await isMember(request))) return false;
  const { memberWithRoles, input } = request;
  const membership = await memberWithRoles();
  return roles.some((role) => hasRole(membership, input.system, role));
};

const isLead = (request: AssignmentRequest): Promise<boolean> => {
  const listed = listedRoles(request);
  return hasAnyRole(request, listed.length > 0 ? listed : defaultLeadRoles);
};

/** A rule about an input with a system, which its schema has validated. */
const rule = (permits: (request: AssignmentRequest) => Promise<boolean>) => (request: PolicyRequest) =>
  permits(request as AssignmentRequest);

/** Who may give turns: the roles that ASSIGNMENT_ROLES lists for the system; if it lists none, staff of the system. */
export const mayAssign = rule((request) => {
  const listed = listedRoles(request);
  return listed.length > 0 ? hasAnyRole(request, listed) : isMember(request);
});

/** Who may reset turns: the roles that ASSIGNMENT_ROLES lists for the system; if it lists none, Admin and Manager. */
export const mayReset = rule(isLead);

/** Who may say that a person is away: staff of the system for themselves, and those who may reset turns for others. */
export const maySetAvailability = rule((request) => {
  const { principal, input } = request;
  const isOneself = input.userId === undefined || input.userId === principal.id;
  return isOneself ? isMember(request) : isLead(request);
});
