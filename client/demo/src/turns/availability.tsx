import { useTRPC } from '@auth-bff/client/react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import type { System } from '../tickets/ticket-service.ts';
import type { RotationPerson } from './shares.ts';

const hourMs = 3_600_000;
const nextMorning = (): Date => {
  const morning = new Date(Date.now() + 24 * hourMs);
  morning.setHours(9, 0, 0, 0);
  return morning;
};
const ends = [
  { value: 'hour', label: 'for an hour', toDate: () => new Date(Date.now() + hourMs) },
  { value: 'morning', label: 'until tomorrow at 9:00', toDate: nextMorning },
  { value: 'open', label: 'until I am back', toDate: () => undefined },
] as const;

const format = new Intl.DateTimeFormat('en', { weekday: 'short', hour: '2-digit', minute: '2-digit' });

const useAvailability = () => {
  const trpc = useTRPC();
  const queryClient = useQueryClient();
  return useMutation(
    trpc.assignments.setAvailability.mutationOptions({
      onSuccess: () => queryClient.invalidateQueries(trpc.assignments.pathFilter()),
    }),
  );
};

type AvailabilityProps = { system: System; me: RotationPerson };

/** The signed-in person's own availability for the turns of a system. */
export const Availability = ({ system, me }: AvailabilityProps) => {
  const [isAsking, setIsAsking] = useState(false);
  const { mutate, isPending, isError } = useAvailability();
  const { away } = me;

  const leave = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const until = ends.find(({ value }) => value === fields.get('until'))?.toDate();
    const typed = fields.get('note');
    const note = typeof typed === 'string' ? typed.trim() : '';
    mutate(
      { system, away: true, ...(until === undefined ? {} : { until }), ...(note === '' ? {} : { note }) },
      { onSuccess: () => setIsAsking(false) },
    );
  };

  if (away === null && isAsking) {
    return (
      <form className="leave-form" onSubmit={leave} aria-label="My leave">
        <label>
          <span>I am away</span>
          <select name="until">
            {ends.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>Note for the team</span>
          <input name="note" maxLength={200} autoComplete="off" />
        </label>
        <div className="actions">
          <button type="button" className="quiet" onClick={() => setIsAsking(false)}>
            Cancel
          </button>
          <button type="submit" className="primary" aria-busy={isPending}>
            Save
          </button>
        </div>
        {isError ? (
          <p className="field-error" role="alert">
            It was not saved. Try again.
          </p>
        ) : null}
      </form>
    );
  }
  return (
    <div className="leave">
      <p className="sub" role="status">
        {away === null
          ? 'You get turns.'
          : `You are away${away.until === null ? '' : ` until ${format.format(away.until)}`}${away.note === null ? '' : ` · ${away.note}`}`}
      </p>
      {away === null ? (
        <button type="button" className="quiet" onClick={() => setIsAsking(true)}>
          I’m away until…
        </button>
      ) : (
        <button type="button" className="quiet" onClick={() => mutate({ system, away: false })} aria-busy={isPending}>
          I’m back
        </button>
      )}
    </div>
  );
};
