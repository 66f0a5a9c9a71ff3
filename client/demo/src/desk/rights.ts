import type { Session } from '@auth-bff/client';
import { type System, systems } from '../tickets/ticket-service.ts';

/** What the signed-in person may see and do at the desk. The BFF and the ticket service enforce the same. */
export type Rights = {
  /** The systems whose tickets and turns the person sees, and whose tickets they assign. Empty for employees. */
  systems: readonly System[];
  /** Whether the names of staff can be looked up: staff only. */
  seesStaff: boolean;
  /** Whether the names of employees can be looked up: staff of HDTS and TTS only. */
  seesEmployees: boolean;
};

/** The rights by the systems and roles that `session.me` returns. */
export const rightsOf = ({ user, systems: own, roles }: Pick<Session, 'user' | 'systems' | 'roles'>): Rights => {
  const isStaff = user.type === 'staff';
  const names = new Set([...own, ...roles.map(({ system }) => system)].map((name) => name.toUpperCase()));
  const of = isStaff ? systems.filter((system) => names.has(system)) : [];
  return { systems: of, seesStaff: isStaff, seesEmployees: of.includes('HDTS') || of.includes('TTS') };
};
