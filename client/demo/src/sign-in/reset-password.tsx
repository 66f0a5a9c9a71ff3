import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useEffect, useState } from 'react';
import { accountWords, type FieldErrors, fieldErrorsOf } from '../account/account-words.ts';
import { newPasswordFaults } from '../account/new-password.ts';
import { DeskTitle } from '../desk/desk-title.tsx';
import { Icon } from '../desk/icon.tsx';
import { TextField } from '../desk/text-field.tsx';

/** `token` and `as`, as the BFF adds them to PASSWORD_RESET_URL. */
const readLink = () => {
  const parameters = new URLSearchParams(location.search);
  const as = parameters.get('as') === 'employee' ? ('employee' as const) : ('staff' as const);
  return { token: parameters.get('token'), as };
};

/** The page of the link in the mail. */
export const ResetPassword = () => {
  const trpc = useTRPC();
  const [{ token, as }] = useState(readLink);
  const [typed, setTyped] = useState({ newPassword: '', repeated: '' });
  const [faults, setFaults] = useState<FieldErrors>({});
  const reset = useMutation(trpc.account.resetPassword.mutationOptions());
  // The token stays neither in the address bar nor in the history.
  useEffect(() => history.replaceState(null, '', location.pathname), []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = newPasswordFaults(typed.newPassword, typed.repeated);
    setFaults(found);
    const [first] = Object.keys(found);
    if (first !== undefined) document.querySelector<HTMLInputElement>(`#reset-${first}`)?.focus();
    else if (token !== null) reset.mutate({ token, as, newPassword: typed.newPassword });
  };
  const errors = { ...fieldErrorsOf(reset.error), ...faults };
  const fieldOf = (name: keyof typeof typed, label: string) => (
    <TextField
      id={`reset-${name}`}
      label={label}
      type="password"
      autoComplete="new-password"
      value={typed[name]}
      error={errors[name]}
      onChange={(value) => {
        setTyped({ ...typed, [name]: value });
        setFaults({});
        if (!reset.isIdle) reset.reset();
      }}
    />
  );
  return (
    <div className="sign-in">
      <header className="desk-header">
        <DeskTitle />
      </header>
      <main className="lone">
        {reset.isSuccess ? (
          <div className="note" role="status">
            <Icon name="check" />
            <div>
              <p className="note-title">Your new password is set.</p>
              <a className="button quiet" href="/">
                Sign in
              </a>
            </div>
          </div>
        ) : token === null ? (
          <div className="note" role="status">
            <Icon name="mail" />
            <div>
              <p className="note-title">This link is incomplete.</p>
              <p>Open the link in the mail again, or request a new one with “Forgot password”.</p>
              <a className="button quiet" href="/">
                To the sign-in
              </a>
            </div>
          </div>
        ) : (
          <section className="card" aria-labelledby="reset-title">
            <form className="form" onSubmit={submit} noValidate>
              <h2 id="reset-title">New password</h2>
              {fieldOf('newPassword', 'New password')}
              {fieldOf('repeated', 'New password again')}
              <p className="field-error form-message" role="alert">
                {accountWords(reset.error, ['newPassword'])}
              </p>
              <button type="submit" className="primary wide" aria-busy={reset.isPending}>
                {reset.isPending ? 'Saving…' : 'Set the password'}
              </button>
            </form>
          </section>
        )}
      </main>
    </div>
  );
};
