import type { Person, System, Ticket, TicketEvent } from './ticket.ts';

/** The staff user of each system who assigned its first tickets. */
const dispatchers: Record<System, number> = { TTS: 2, HDTS: 10, AMS: 15, BMS: 6 };

const minuteMs = 60_000;
/** Minutes from the opening to the assignment: fewer than the newest ticket is old. */
const assignedAfter = (index: number): number => 1 + ((index * 7) % 9);
/** Minutes from the assignment to the hand-over. */
const handedOnAfter = (index: number): number => 20 + ((index * 13) % 60);

const staff = (id: number): Person => ({ type: 'staff', id });

export type SeedHistoryOptions = {
  ticket: Ticket;
  /** The number of the ticket, from 0. */
  index: number;
  /** Who had the ticket before its assignee. Null: nobody. */
  previousId: number | null;
};

/** A plausible history of a seed ticket, oldest first. Deterministic from the time of its opening. */
export const toSeedHistory = ({ ticket, index, previousId }: SeedHistoryOptions): TicketEvent[] => {
  const { createdAt, system, requesterId, requesterType, assigneeId } = ticket;
  const opened: TicketEvent = { at: createdAt, kind: 'opened', by: { type: requesterType, id: requesterId } };
  if (assigneeId === null) return [opened];
  const assignedAtMs = Date.parse(createdAt) + assignedAfter(index) * minuteMs;
  const assigned: TicketEvent = {
    at: new Date(assignedAtMs).toISOString(),
    kind: 'assigned',
    to: previousId ?? assigneeId,
    by: staff(dispatchers[system]),
  };
  if (previousId === null) return [opened, assigned];
  const at = new Date(assignedAtMs + handedOnAfter(index) * minuteMs).toISOString();
  return [opened, assigned, { at, kind: 'handed_on', from: previousId, to: assigneeId, by: staff(previousId) }];
};
