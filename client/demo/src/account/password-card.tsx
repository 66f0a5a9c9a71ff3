import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { FormMessage } from '../forms/form-message.tsx';
import { TextField } from '../forms/text-field.tsx';
import { useFieldErrors } from '../forms/use-field-errors.ts';
import { useWait } from '../forms/use-wait.ts';
import { accountWords } from './account-words.ts';
import { newPasswordFaults } from './new-password.ts';

const nothing = { currentPassword: '', newPassword: '', repeated: '' };

/** Changes the password. By default, all other sessions of the person end. */
export const PasswordCard = ({ email }: { email: string }) => {
  const trpc = useTRPC();
  const [typed, setTyped] = useState(nothing);
  const [keepsSessions, setKeepsSessions] = useState(false);
  const change = useMutation(trpc.account.changePassword.mutationOptions({ onSuccess: () => setTyped(nothing) }));
  const { form, errors, show, clear } = useFieldErrors(change.error);
  const wait = useWait(change);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (change.isPending || wait.seconds > 0) return;
    const { currentPassword, newPassword, repeated } = typed;
    const found = {
      ...(currentPassword === '' ? { currentPassword: 'Enter your current password.' } : {}),
      ...newPasswordFaults(newPassword, repeated),
    };
    if (!show(found)) change.mutate({ currentPassword, newPassword, endOtherSessions: !keepsSessions });
  };
  const fieldOf = (name: keyof typeof nothing, label: string, autoComplete: string, hint?: string) => (
    <TextField
      id={`password-${name}`}
      label={label}
      type="password"
      autoComplete={autoComplete}
      value={typed[name]}
      hint={hint}
      error={errors[name]}
      onChange={(value) => {
        setTyped({ ...typed, [name]: value });
        clear(name);
        if (!change.isIdle) change.reset();
      }}
    />
  );
  const success = change.variables?.endOtherSessions
    ? 'Your password is changed. Your other sessions have ended.'
    : 'Your password is changed.';
  return (
    <section className="card" aria-labelledby="password-title">
      <header className="card-head">
        <h3 id="password-title">Password</h3>
      </header>
      <form className="form" onSubmit={submit} noValidate ref={form}>
        {/* For password managers. */}
        <input type="email" autoComplete="username" value={email} readOnly hidden />
        {fieldOf('currentPassword', 'Current password', 'current-password')}
        {fieldOf('newPassword', 'New password', 'new-password', 'At least 8 characters')}
        {fieldOf('repeated', 'New password again', 'new-password')}
        <div>
          <label className="check">
            <input
              type="checkbox"
              checked={keepsSessions}
              aria-describedby="password-sessions"
              onChange={(event) => setKeepsSessions(event.target.checked)}
            />
            Keep my other sessions
          </label>
          <p className="sub check-note" id="password-sessions">
            {keepsSessions
              ? 'Other browsers stay signed in, even if somebody else uses them.'
              : 'You stay signed in here. All other browsers are signed out.'}
          </p>
        </div>
        <FormMessage
          error={accountWords(wait.error ?? change.error, ['currentPassword', 'newPassword'])}
          wait={wait}
          success={change.isSuccess ? success : ''}
        />
        <div className="actions">
          <button type="submit" className="primary" aria-busy={change.isPending} aria-disabled={wait.seconds > 0}>
            {change.isPending ? 'Changing…' : 'Change password'}
          </button>
        </div>
      </form>
    </section>
  );
};
