import type { System, Ticket } from '../tickets/ticket-service.ts';

export type Share = {
  id: number;
  name: string;
  total: number;
  /** The tickets since the desk was opened. */
  isNew: number;
};

type SharesOptions = {
  users: ReadonlyArray<{ id: number; firstName: string; lastName: string }>;
  tickets: readonly Ticket[];
  system: System;
  /** Milliseconds since the epoch. */
  openedAtMs: number;
};

/** Tickets per person of a system, sorted by name, so that the bars keep their places. */
export const toShares = ({ users, tickets, system, openedAtMs }: SharesOptions): Share[] =>
  users
    .map(({ id, firstName, lastName }) => {
      const own = tickets.filter((ticket) => ticket.system === system && ticket.assigneeId === id);
      const isNew = own.filter(({ createdAt }) => Date.parse(createdAt) > openedAtMs).length;
      return { id, name: `${firstName} ${lastName}`, total: own.length, isNew };
    })
    .toSorted((a, b) => a.name.localeCompare(b.name));
