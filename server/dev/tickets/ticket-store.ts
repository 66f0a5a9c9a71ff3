import {
  firstNumber,
  type NewTicket,
  type Person,
  type Ticket,
  type TicketEvent,
  type TicketWithHistory,
} from './ticket.ts';

export type TicketStoreOptions = {
  /** Initial tickets, newest first. */
  seed: readonly TicketWithHistory[];
  /** Milliseconds since the epoch. */
  now: () => number;
};

/** The most events of a ticket. More are the work of a script. */
const maxEvents = 200;

/** Keeps all tickets in memory. */
export const createTicketStore = ({ seed, now }: TicketStoreOptions) => {
  const newestFirst = [...seed];
  const byId = new Map(seed.map((entry) => [entry.ticket.id, entry]));
  const byKey = new Map<string, Ticket>();
  const toTime = () => new Date(now()).toISOString();

  return {
    /** Newest first. */
    list: (): readonly Ticket[] => newestFirst.map(({ ticket }) => ticket),
    find: (id: string): TicketWithHistory | null => byId.get(id) ?? null,
    /** Opens a ticket, or returns the ticket that this requester opened with the same key. */
    open({ key, ...fields }: NewTicket, by: Person): { ticket: Ticket; isNew: boolean } {
      const name = JSON.stringify([by.type, by.id, key]);
      const existing = byKey.get(name);
      if (existing !== undefined) return { ticket: existing, isNew: false };
      const { assigneeId } = fields;
      const at = toTime();
      const ticket: Ticket = {
        id: `T-${firstNumber + newestFirst.length}`,
        ...fields,
        requesterId: by.id,
        requesterType: by.type,
        turnKey: assigneeId === null ? null : key,
        createdAt: at,
      };
      const opened: TicketEvent = { at, kind: 'opened', by };
      const entry: TicketWithHistory = {
        ticket,
        history: assigneeId === null ? [opened] : [opened, { at, kind: 'assigned', to: assigneeId, by }],
      };
      newestFirst.unshift(entry);
      byId.set(ticket.id, entry);
      byKey.set(name, ticket);
      return { ticket, isNew: true };
    },
    /** Writes another assignee into the ticket and its history. The same assignee changes nothing. Null: the history is full. */
    assign({ ticket, history }: TicketWithHistory, to: number, by: Person): TicketWithHistory | null {
      const { assigneeId: from } = ticket;
      if (from !== to) {
        if (history.length >= maxEvents) return null;
        const at = toTime();
        history.push(from === null ? { at, kind: 'assigned', to, by } : { at, kind: 'handed_on', from, to, by });
        ticket.assigneeId = to;
        // By convention, the key of a turn that was given after the ticket was opened is the ticket's id.
        ticket.turnKey ??= ticket.id;
      }
      return { ticket, history };
    },
  };
};
