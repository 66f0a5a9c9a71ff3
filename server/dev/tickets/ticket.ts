import { PersonId } from '@auth-bff/shared';
import { z } from 'zod';

export const systems = ['TTS', 'AMS', 'BMS', 'HDTS'] as const;

/** Number of the first ticket id: `T-1001`. */
export const firstNumber = 1001;

/** A staff user or an employee. Their ids overlap, so the type is needed too. */
export type Requester = { requesterId: number; requesterType: 'staff' | 'employee' };

export type Ticket = Requester & {
  /** `T-1001` */
  id: string;
  title: string;
  system: (typeof systems)[number];
  /** Id of a staff user. Null: unassigned. */
  assigneeId: number | null;
  /** ISO 8601. */
  createdAt: string;
};

const titleError = 'expected a text of 1 to 200 characters';
const keyError = 'expected an idempotency key, a text of 1 to 200 characters';

/** Input for a new ticket. */
export const NewTicket = z.object(
  {
    title: z.string(titleError).trim().min(1, titleError).max(200, titleError),
    system: z.enum(systems, `expected one of ${systems.join(', ')}`),
    assigneeId: z.union([PersonId, z.null()], 'expected the id of a staff user, or null'),
    /** Idempotency key: the same key of the same requester returns the same ticket. */
    key: z.string(keyError).min(1, keyError).max(200, keyError),
  },
  'expected a JSON object with title, system, assigneeId and key',
);
export type NewTicket = z.infer<typeof NewTicket>;

/** Input for a ticket that is handed on. */
export const AssignedTicket = NewTicket.pick({ key: true }).extend({
  assigneeId: PersonId,
});
export type AssignedTicket = z.infer<typeof AssignedTicket>;
