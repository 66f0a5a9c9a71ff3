import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { TextField } from '../desk/text-field.tsx';
import { accountWords, type FieldErrors, fieldErrorsOf } from './account-words.ts';
import { newPasswordFaults } from './new-password.ts';
import { Outcome } from './outcome.tsx';

const nothing = { currentPassword: '', newPassword: '', repeated: '' };

/** Changes the password. By default, all other sessions of the person end. */
export const PasswordCard = ({ email }: { email: string }) => {
  const trpc = useTRPC();
  const [typed, setTyped] = useState(nothing);
  const [keepsSessions, setKeepsSessions] = useState(false);
  const [faults, setFaults] = useState<FieldErrors>({});
  const change = useMutation(trpc.account.changePassword.mutationOptions({ onSuccess: () => setTyped(nothing) }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const { currentPassword, newPassword, repeated } = typed;
    const found = {
      ...(currentPassword === '' ? { currentPassword: 'Enter your current password.' } : {}),
      ...newPasswordFaults(newPassword, repeated),
    };
    setFaults(found);
    const [first] = Object.keys(found);
    if (first === undefined) change.mutate({ currentPassword, newPassword, endOtherSessions: !keepsSessions });
    else document.querySelector<HTMLInputElement>(`#password-${first}`)?.focus();
  };
  const errors = { ...fieldErrorsOf(change.error), ...faults };
  const fieldOf = (name: keyof typeof nothing, label: string, autoComplete: string) => (
    <TextField
      id={`password-${name}`}
      label={label}
      type="password"
      autoComplete={autoComplete}
      value={typed[name]}
      error={errors[name]}
      onChange={(value) => {
        setTyped({ ...typed, [name]: value });
        setFaults({});
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
      <form className="form" onSubmit={submit} noValidate>
        {/* For password managers. */}
        <input type="email" autoComplete="username" value={email} readOnly hidden />
        {fieldOf('currentPassword', 'Current password', 'current-password')}
        {fieldOf('newPassword', 'New password', 'new-password')}
        {fieldOf('repeated', 'New password again', 'new-password')}
        <label className="check">
          <input type="checkbox" checked={keepsSessions} onChange={(event) => setKeepsSessions(event.target.checked)} />
          Keep my other sessions
        </label>
        <p className="sub">
          {keepsSessions
            ? 'Other browsers stay signed in, even if somebody else uses them.'
            : 'You stay signed in here. All other browsers are signed out.'}
        </p>
        <Outcome
          error={accountWords(change.error, ['currentPassword', 'newPassword'])}
          success={change.isSuccess ? success : ''}
        />
        <div className="actions">
          <button type="submit" className="primary" aria-busy={change.isPending}>
            {change.isPending ? 'Changing…' : 'Change password'}
          </button>
        </div>
      </form>
    </section>
  );
};
