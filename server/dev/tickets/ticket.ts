import { PersonId } from '@auth-bff/shared';
import { z } from 'zod';

export const systems = ['TTS', 'AMS', 'BMS', 'HDTS'] as const;

/** The number in the id of the first ticket. */
export const firstNumber = 1001;

/** A staff user or an employee: the two are numbered apart, and the numbers overlap. */
export type Requester = { requesterId: number; requesterType: 'staff' | 'employee' };

export type Ticket = Requester & {
  /** `T-1001` */
  id: string;
  title: string;
  system: (typeof systems)[number];
  /** A staff user. Null: nobody yet. */
  assigneeId: number | null;
  /** ISO 8601. */
  createdAt: string;
};

const titleShould = 'expected a text of 1 to 200 characters';
const keyShould = 'expected what the ticket is known by until it has an id, a text of 1 to 200 characters';

/** What a ticket is opened with. */
export const NewTicket = z.object(
  {
    title: z.string(titleShould).trim().min(1, titleShould).max(200, titleShould),
    system: z.enum(systems, `expected one of ${systems.join(', ')}`),
    assigneeId: z.union([PersonId, z.null()], 'expected the number of a staff user, or null'),
    /** The same key again, of the same requester, is the same ticket. */
    key: z.string(keyShould).min(1, keyShould).max(200, keyShould),
  },
  'expected a JSON object with title, system, assigneeId and key',
);
export type NewTicket = z.infer<typeof NewTicket>;
