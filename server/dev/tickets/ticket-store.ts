import { type AssignedTicket, firstNumber, type NewTicket, type Requester, type Ticket } from './ticket.ts';

export type TicketStoreOptions = {
  /** Initial tickets, newest first. */
  seed: readonly Ticket[];
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** Keeps all tickets in memory. */
export const createTicketStore = ({ seed, now }: TicketStoreOptions) => {
  const newestFirst = [...seed];
  const byKey = new Map<string, Ticket>();
  /** By the key alone. The desk's keys are random. */
  const latestOf = new Map<string, Ticket>();

  return {
    /** Newest first. */
    list: (): readonly Ticket[] => newestFirst,
    /** Opens a ticket, or returns the ticket that this requester opened with the same key. */
    open({ key, ...fields }: NewTicket, requester: Requester): { ticket: Ticket; isNew: boolean } {
      const name = JSON.stringify([requester.requesterType, requester.requesterId, key]);
      const existing = byKey.get(name);
      if (existing !== undefined) return { ticket: existing, isNew: false };
      const id = `T-${firstNumber + newestFirst.length}`;
      const ticket = { id, ...fields, ...requester, createdAt: new Date(now()).toISOString() };
      newestFirst.unshift(ticket);
      byKey.set(name, ticket);
      latestOf.set(key, ticket);
      return { ticket, isNew: true };
    },
    /** Changes the assignee of the ticket that was opened with the key. Null: there is none. */
    assign({ key, assigneeId }: AssignedTicket): Ticket | null {
      const ticket = latestOf.get(key) ?? null;
      if (ticket !== null) ticket.assigneeId = assigneeId;
      return ticket;
    },
  };
};
