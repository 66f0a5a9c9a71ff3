import { type InputHTMLAttributes, type Ref, useState } from 'react';

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
  /** The id of a message about this field and others. Marks the field as invalid. */
  sharedErrorId?: string | undefined;
  ref?: Ref<HTMLInputElement>;
};

/** E-mail addresses and passwords are no sentences. */
const verbatim = { autoCapitalize: 'none', autoCorrect: 'off', spellCheck: false } as const;

/** A labelled input with its hint or its error. A password can be shown. */
export const TextField = (props: TextFieldProps) => {
  const { id, label, value, onChange, hint, error, sharedErrorId, type = 'text', ...others } = props;
  const [isShown, setIsShown] = useState(false);
  const isPassword = type === 'password';
  const noteId = error === undefined && hint === undefined ? undefined : `${id}-note`;
  const input = (
    <input
      {...others}
      {...(isPassword || type === 'email' ? verbatim : {})}
      id={id}
      type={isPassword && isShown ? 'text' : type}
      value={value}
      aria-invalid={error !== undefined || sharedErrorId !== undefined}
      aria-describedby={[noteId, sharedErrorId].filter((part) => part !== undefined).join(' ') || undefined}
      onChange={(event) => onChange(event.target.value)}
    />
  );
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {isPassword ? (
        <div className="secret">
          {input}
          <button type="button" className="secret-toggle" aria-pressed={isShown} onClick={() => setIsShown(!isShown)}>
            Show<span className="visually-hidden"> {label.toLowerCase()}</span>
          </button>
        </div>
      ) : (
        input
      )}
      {error === undefined ? null : (
        <p id={noteId} className="field-error" role="alert">
          {error}
        </p>
      )}
      {error === undefined && hint !== undefined ? (
        <p id={noteId} className="sub">
          {hint}
        </p>
      ) : null}
    </div>
  );
};
