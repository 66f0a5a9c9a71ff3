import { inSystem, type Session } from '@auth-bff/client';
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
export const rightsOf = (me: Session): Rights => {
  const isStaff = me.user.type === 'staff';
  const own = isStaff ? systems.filter((system) => inSystem(me, system)) : [];
  return { systems: own, seesStaff: isStaff, seesEmployees: own.includes('HDTS') || own.includes('TTS') };
};
