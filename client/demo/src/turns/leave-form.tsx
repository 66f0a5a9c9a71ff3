import { type FormEvent, useRef } from 'react';
import { useRescuedFocus } from '../forms/use-rescued-focus.ts';

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

/** No end: until the person is back. */
export type NewLeave = { until?: Date; note?: string };

type LeaveFormProps = {
  onSave: (leave: NewLeave) => void;
  onCancel: () => void;
  isPending: boolean;
  isError: boolean;
};

/** Asks until when the person is away, and why. */
export const LeaveForm = ({ onSave, onCancel, isPending, isError }: LeaveFormProps) => {
  const choice = useRef<HTMLSelectElement>(null);
  useRescuedFocus(choice);
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const until = ends.find(({ value }) => value === fields.get('until'))?.toDate();
    const typed = fields.get('note');
    const note = typeof typed === 'string' ? typed.trim() : '';
    onSave({ ...(until === undefined ? {} : { until }), ...(note === '' ? {} : { note }) });
  };
  return (
    <form className="leave-form" onSubmit={submit} aria-label="My leave">
      <label>
        <span>I am away</span>
        <select name="until" ref={choice}>
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
        <button type="button" className="quiet" onClick={onCancel}>
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
};
