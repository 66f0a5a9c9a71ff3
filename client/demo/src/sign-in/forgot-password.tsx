import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { accountWords } from '../account/account-words.ts';
import { FormMessage } from '../forms/form-message.tsx';
import { TextField } from '../forms/text-field.tsx';
import { useFieldErrors } from '../forms/use-field-errors.ts';
import { useWait } from '../forms/use-wait.ts';
import { SystemChoice } from '../tickets/system-choice.tsx';
import { type Credentials, kinds, labelOf } from './credentials.ts';
import { emailFault } from './email-fault.ts';
import { LinkMail } from './link-mail.tsx';

type ForgotPasswordProps = { initial: Pick<Credentials, 'email' | 'as'>; onBack: () => void };

/** Asks for a mail with a link. The page says the same whether or not a person has the address. */
export const ForgotPassword = ({ initial, onBack }: ForgotPasswordProps) => {
  const trpc = useTRPC();
  const [email, setEmail] = useState(initial.email);
  const [as, setAs] = useState(initial.as);
  const title = useRef<HTMLHeadingElement>(null);
  const request = useMutation(trpc.account.requestPasswordReset.mutationOptions());
  const { form, errors, show, clear } = useFieldErrors(request.error);
  const wait = useWait(request);
  useEffect(() => title.current?.focus(), []);
  const change = () => {
    clear('email');
    if (!request.isIdle) request.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (request.isPending || wait.seconds > 0) return;
    if (!show(emailFault(email))) request.mutate({ email, as });
  };
  return (
    <form className="form" onSubmit={submit} noValidate ref={form}>
      <div>
        <h2 id="sign-in-title" ref={title} tabIndex={-1}>
          Reset your password
        </h2>
        <p className="sub">Enter the e-mail address of your account. We send you a link to set a new password.</p>
      </div>
      <SystemChoice
        legend="Account of"
        name="forgot-as"
        choices={kinds}
        labelOf={labelOf}
        value={as}
        onChange={(next) => {
          setAs(next);
          change();
        }}
      />
      <TextField
        id="forgot-email"
        label="E-mail"
        type="email"
        autoComplete="username"
        value={email}
        error={errors.email}
        onChange={(value) => {
          setEmail(value);
          change();
        }}
      />
      <FormMessage
        error={accountWords(wait.error ?? request.error, ['email'])}
        wait={wait}
        success={request.isSuccess ? 'If an account has this address, we sent an e-mail with a link.' : ''}
      />
      {request.isSuccess ? <LinkMail email={email.trim()} sentAtMs={request.submittedAt} /> : null}
      <button
        type="submit"
        className={request.isSuccess ? 'quiet wide' : 'primary wide'}
        aria-busy={request.isPending}
        aria-disabled={wait.seconds > 0}
      >
        {request.isPending ? 'Sending…' : request.isSuccess ? 'Send another link' : 'Send the link'}
      </button>
      <button type="button" className="quiet wide" onClick={onBack}>
        Back
      </button>
    </form>
  );
};
