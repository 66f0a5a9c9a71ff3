import type { AuthSession } from '@auth-bff/client';

export const systems = ['TTS', 'AMS', 'BMS', 'HDTS'] as const;
export type System = (typeof systems)[number];

export type PersonRef = { type: 'staff' | 'employee'; id: number };

export type Ticket = {
  id: string;
  title: string;
  system: System;
  requesterId: number;
  requesterType: PersonRef['type'];
  assigneeId: number | null;
  /** The key of its turn at the BFF. Null: it was not assigned by a turn so far. */
  turnKey: string | null;
  createdAt: string;
};

/** What happened to a ticket. `from` and `to` are ids of staff. */
export type TicketEvent = { at: string; by: PersonRef } & (
  | { kind: 'opened' }
  | { kind: 'assigned'; to: number }
  | { kind: 'handed_on'; from: number; to: number }
);

export type TicketWithHistory = {
  ticket: Ticket;
  /** Oldest first. */
  history: TicketEvent[];
};

export type TicketDraft = { title: string; system: System; assigneeId: number | null; key: string };

/** The ticket service returned an error. */
export class TicketServiceError extends Error {
  override name = 'TicketServiceError';
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const messageOf: Record<number, string> = {
  400: 'The ticket service rejected the request.',
  401: 'The ticket service rejected your session. Sign in again.',
  403: 'Your account does not have permission in the ticket service.',
  404: 'This ticket does not exist, or you may not see it.',
};

const read = async <Answer>(answer: Response): Promise<Answer> => {
  if (answer.ok) return (await answer.json()) as Answer;
  throw new TicketServiceError(answer.status, messageOf[answer.status] ?? 'The ticket service returned an error.');
};

/** The team's own backend, called with the person's session. */
export const createTicketService = (session: Pick<AuthSession, 'fetch'>, url: string) => {
  const send = (method: 'POST' | 'PATCH', path: string, body: object) =>
    session.fetch(`${url}/tickets/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  return {
    list: async (): Promise<Ticket[]> => {
      const { tickets } = await read<{ tickets: Ticket[] }>(await session.fetch(`${url}/tickets/`));
      return tickets.toSorted((a, b) => b.id.localeCompare(a.id, 'en', { numeric: true }));
    },
    byId: async (id: string): Promise<TicketWithHistory> =>
      read(await session.fetch(`${url}/tickets/${encodeURIComponent(id)}`)),
    /** The same key returns the existing ticket. */
    create: async (draft: TicketDraft): Promise<Ticket> => read(await send('POST', '', draft)),
    /** Writes the assignee into the ticket. */
    assign: async (id: string, assigneeId: number): Promise<TicketWithHistory> =>
      read(await send('PATCH', encodeURIComponent(id), { assigneeId })),
  };
};

export type TicketService = ReturnType<typeof createTicketService>;
