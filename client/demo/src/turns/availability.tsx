import { useTRPC } from '@auth-bff/client/react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useRef, useState } from 'react';
import { useRescuedFocus } from '../forms/use-rescued-focus.ts';
import type { System } from '../tickets/ticket-service.ts';
import { LeaveForm } from './leave-form.tsx';
import type { RotationPerson } from './shares.ts';

const format = new Intl.DateTimeFormat('en', { weekday: 'short', hour: '2-digit', minute: '2-digit' });

const wordsOf = ({ until, note }: NonNullable<RotationPerson['away']>): string =>
  `You are away${until === null ? '' : ` until ${format.format(until)}`}${note === null ? '' : ` · ${note}`}`;

type LeaveStateProps = { away: RotationPerson['away']; onLeave: () => void; onReturn: () => void; isPending: boolean };

const LeaveState = ({ away, onLeave, onReturn, isPending }: LeaveStateProps) => {
  const button = useRef<HTMLButtonElement>(null);
  useRescuedFocus(button);
  return (
    <div className="leave">
      <p className="sub" role="status">
        {away === null ? 'You get turns.' : wordsOf(away)}
      </p>
      <button
        type="button"
        className="quiet"
        ref={button}
        onClick={away === null ? onLeave : onReturn}
        aria-busy={isPending}
      >
        {away === null ? 'I’m away until…' : 'I’m back'}
      </button>
    </div>
  );
};

type AvailabilityProps = { system: System; me: RotationPerson };

/** The signed-in person's own availability for the turns of a system. */
export const Availability = ({ system, me: { away } }: AvailabilityProps) => {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  const [isAsking, setIsAsking] = useState(false);
  const { mutate, isPending, isError } = useMutation(
    trpc.assignments.setAvailability.mutationOptions({
      onSuccess: () => queryClient.invalidateQueries(trpc.assignments.pathFilter()),
    }),
  );
  if (away === null && isAsking) {
    return (
      <LeaveForm
        onSave={(leave) => mutate({ system, away: true, ...leave }, { onSuccess: () => setIsAsking(false) })}
        onCancel={() => setIsAsking(false)}
        isPending={isPending}
        isError={isError}
      />
    );
  }
  return (
    <LeaveState
      away={away}
      onLeave={() => setIsAsking(true)}
      onReturn={() => mutate({ system, away: false })}
      isPending={isPending}
    />
  );
};
