import type { AuthSession } from '@auth-bff/client';

export const systems = ['TTS', 'AMS', 'BMS', 'HDTS'] as const;
export type System = (typeof systems)[number];

export type Ticket = {
  id: string;
  title: string;
  system: System;
  requesterId: number;
  requesterType: 'staff' | 'employee';
  assigneeId: number | null;
  createdAt: string;
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
};

const read = async <Answer>(answer: Response): Promise<Answer> => {
  if (answer.ok) return (await answer.json()) as Answer;
  throw new TicketServiceError(answer.status, messageOf[answer.status] ?? 'The ticket service returned an error.');
};

/** The team's own backend, called with the person's session. */
export const createTicketService = (session: Pick<AuthSession, 'fetch'>, url: string) => ({
  list: async (): Promise<Ticket[]> => {
    const { tickets } = await read<{ tickets: Ticket[] }>(await session.fetch(`${url}/tickets/`));
    return tickets.toSorted((a, b) => b.id.localeCompare(a.id, 'en', { numeric: true }));
  },
  /** The same key returns the existing ticket. */
  create: async (draft: TicketDraft): Promise<Ticket> =>
    read(
      await session.fetch(`${url}/tickets/`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(draft),
      }),
    ),
  /** Writes the assignee into the ticket that was opened with this key. */
  assign: async (assigned: { key: string; assigneeId: number }): Promise<Ticket> =>
    read(
      await session.fetch(`${url}/tickets/`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(assigned),
      }),
    ),
});

export type TicketService = ReturnType<typeof createTicketService>;
