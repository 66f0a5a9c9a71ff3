import { useTRPC } from '@auth-bff/client/react';
import { useQueryClient } from '@tanstack/react-query';
import { useSubscription } from '@trpc/tanstack-react-query';
import { roleOf } from '../tickets/roles.ts';
import type { System } from '../tickets/ticket-service.ts';
import { ticketsKey } from '../tickets/use-tickets.ts';

/** The ticket of a turn is opened after the turn was given, by another service. */
const ticketDelayMs = 700;

export type LiveState = 'off' | 'connecting' | 'live';

/**
 * Refetches the turns of a system with each turn that is given, in any browser. Nothing is polled while the stream is open.
 * `off`: the BFF refused the stream.
 */
export const useLiveTurns = (system: System): LiveState => {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const refetchTurns = () => void queryClient.invalidateQueries(trpc.assignments.pathFilter());
  const { status } = useSubscription(
    trpc.assignments.onTurn.subscriptionOptions(
      { system, role: roleOf[system] },
      {
        // A turn may have been given between the first answer and the start of the stream.
        onStarted: refetchTurns,
        onData() {
          refetchTurns();
          setTimeout(() => void queryClient.invalidateQueries({ queryKey: ticketsKey }), ticketDelayMs);
        },
      },
    ),
  );
  if (status === 'error') return 'off';
  return status === 'pending' ? 'live' : 'connecting';
};
