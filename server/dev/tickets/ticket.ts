import { PersonId } from '@auth-bff/shared';
import { z } from 'zod';

export const systems = ['TTS', 'AMS', 'BMS', 'HDTS'] as const;
export type System = (typeof systems)[number];

/** Number of the first ticket id: `T-1001`. */
export const firstNumber = 1001;

/** A staff user or an employee. Their ids overlap, so the type is needed too. */
export type Person = { type: 'staff' | 'employee'; id: number };
export type Requester = { requesterId: number; requesterType: Person['type'] };

export type Ticket = Requester & {
  /** `T-1001` */
  id: string;
  title: string;
  system: System;
  /** Id of a staff user. Null: unassigned. */
  assigneeId: number | null;
  /** The key of its turn at the BFF (`assignments.next`). Null: it was not assigned by a turn so far. */
  turnKey: string | null;
  /** ISO 8601. */
  createdAt: string;
};

/** What happened to a ticket. `from` and `to` are ids of staff users, `at` is ISO 8601. */
export type TicketEvent = { at: string; by: Person } & (
  | { kind: 'opened' }
  | { kind: 'assigned'; to: number }
  | { kind: 'handed_on'; from: number; to: number }
);

export type TicketWithHistory = {
  ticket: Ticket;
  /** Oldest first. */
  history: TicketEvent[];
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

/** Input for a ticket that gets another assignee. */
export const NewAssignee = z.object({ assigneeId: PersonId }, 'expected a JSON object with assigneeId');
export type NewAssignee = z.infer<typeof NewAssignee>;
