import type { InputHTMLAttributes } from 'react';

type TextFieldProps = Pick<
  InputHTMLAttributes<HTMLInputElement>,
  'type' | 'autoComplete' | 'inputMode' | 'maxLength' | 'disabled'
> & {
  id: string;
  label: string;
  value: string;
  onChange: (value: string) => void;
  hint?: string | undefined;
  /** Why the value was refused. */
  error?: string | undefined;
};

/** A labelled input with its hint and its error. */
export const TextField = ({ id, label, value, onChange, hint, error, ...input }: TextFieldProps) => (
  <div className="field">
    <label htmlFor={id}>{label}</label>
    <input
      {...input}
      id={id}
      value={value}
      aria-invalid={error !== undefined}
      aria-describedby={`${id}-note`}
      onChange={(event) => onChange(event.target.value)}
    />
    <p id={`${id}-note`} className={error === undefined ? 'sub' : 'field-error'}>
      {error ?? hint ?? ''}
    </p>
  </div>
);
