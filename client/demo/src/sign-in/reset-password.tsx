import { reasonOf } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import { accountWords } from '../account/account-words.ts';
import { newPasswordFaults } from '../account/new-password.ts';
import { DeskTitle } from '../desk/desk-title.tsx';
import { FormMessage } from '../forms/form-message.tsx';
import { TextField } from '../forms/text-field.tsx';
import { useFieldErrors } from '../forms/use-field-errors.ts';
import { useRescuedFocus } from '../forms/use-rescued-focus.ts';
import { useWait } from '../forms/use-wait.ts';
import { forgotLink } from './forgot-link.ts';

/** `token` and `as`, as the BFF adds them to PASSWORD_RESET_URL. */
const readLink = () => {
  const parameters = new URLSearchParams(location.search);
  const as = parameters.get('as') === 'employee' ? ('employee' as const) : ('staff' as const);
  return { token: parameters.get('token'), as };
};

type Link = ReturnType<typeof readLink>;

/** Takes the place of the form, and its focus. */
const End = ({ title, children }: { title: string; children: ReactNode }) => {
  const heading = useRef<HTMLHeadingElement>(null);
  useRescuedFocus(heading);
  return (
    <div className="form">
      <h2 ref={heading} tabIndex={-1}>
        {title}
      </h2>
      {children}
    </div>
  );
};

const NewLink = () => (
  <a className="button primary wide" href={forgotLink}>
    Request a new link
  </a>
);

const ResetForm = ({ token, as }: Link & { token: string }) => {
  const trpc = useTRPC();
  const [typed, setTyped] = useState({ newPassword: '', repeated: '' });
  const reset = useMutation(trpc.account.resetPassword.mutationOptions());
  const { form, errors, show, clear } = useFieldErrors(reset.error);
  const wait = useWait(reset);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (reset.isPending || wait.seconds > 0) return;
    if (show(newPasswordFaults(typed.newPassword, typed.repeated))) return;
    reset.mutate({ token, as, newPassword: typed.newPassword });
  };
  const fieldOf = (name: keyof typeof typed, label: string, hint?: string) => (
    <TextField
      id={`reset-${name}`}
      label={label}
      type="password"
      autoComplete="new-password"
      value={typed[name]}
      hint={hint}
      error={errors[name]}
      onChange={(value) => {
        setTyped({ ...typed, [name]: value });
        clear(name);
        if (!reset.isIdle) reset.reset();
      }}
    />
  );
  if (reset.isSuccess) {
    return (
      <End title="Your password is changed">
        <p className="sub">Sign in with your new password.</p>
        <a className="button primary wide" href="/">
          Sign in
        </a>
      </End>
    );
  }
  if (reasonOf(reset.error) === 'reset_link_invalid') {
    return (
      <End title="This link no longer works">
        <p className="sub">It is invalid, has expired or was already used.</p>
        <NewLink />
      </End>
    );
  }
  return (
    <form className="form" onSubmit={submit} noValidate ref={form}>
      <h2>Set a new password</h2>
      {fieldOf('newPassword', 'New password', 'At least 8 characters')}
      {fieldOf('repeated', 'New password again')}
      <FormMessage error={accountWords(wait.error ?? reset.error, ['newPassword'])} wait={wait} />
      <button type="submit" className="primary wide" aria-busy={reset.isPending} aria-disabled={wait.seconds > 0}>
        {reset.isPending ? 'Saving…' : 'Set the password'}
      </button>
    </form>
  );
};

/** The page of the link in the mail. */
export const ResetPassword = () => {
  const [{ token, as }] = useState(readLink);
  // The token stays neither in the address bar nor in the history.
  useEffect(() => history.replaceState(null, '', location.pathname), []);
  return (
    <div className="sign-in">
      <header className="desk-header">
        <DeskTitle />
      </header>
      <main className="lone">
        <section className="card">
          {token === null ? (
            <End title="This link is incomplete">
              <p className="sub">Open the link in your e-mail again, or request a new one.</p>
              <NewLink />
            </End>
          ) : (
            <ResetForm token={token} as={as} />
          )}
        </section>
      </main>
    </div>
  );
};
