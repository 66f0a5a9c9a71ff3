import type { Principal } from '@auth-bff/middleware/fastify';
import { inSystem } from '@auth-bff/shared';
import type { System, Ticket } from './ticket.ts';

/** Whether the caller is staff of the system. Some tokens of employees name the role Employee in HDTS, which grants nothing. */
export const isStaffOf = (caller: Principal, system: System): boolean =>
  caller.type === 'staff' && inSystem(caller, system);

/** People see the tickets of their systems, and those that they opened. */
export const maySee = (caller: Principal, { system, requesterType, requesterId }: Ticket): boolean =>
  isStaffOf(caller, system) || (requesterType === caller.type && requesterId === caller.id);
