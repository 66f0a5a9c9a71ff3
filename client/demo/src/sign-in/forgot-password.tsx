import { useTRPC } from '@auth-bff/client/react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { accountWords, fieldErrorsOf } from '../account/account-words.ts';
import { Icon } from '../desk/icon.tsx';
import { TextField } from '../desk/text-field.tsx';
import { devRoutes } from '../lab/dev-routes.ts';
import { useLab } from '../lab/lab-context.tsx';
import { SystemChoice } from '../tickets/system-choice.tsx';
import { type Credentials, kinds, labelOf } from './sign-in-form.tsx';

/** The mail with the link, in place of a mail program. Only of this page: a real frontend must not know. */
const LinkMail = ({ email, sentAtMs }: { email: string; sentAtMs: number }) => {
  const { queryClient } = useLab();
  const { data: link } = useQuery(
    {
      queryKey: ['last-reset-link', email, sentAtMs],
      queryFn: () => devRoutes.lastResetLink(email),
      refetchInterval: ({ state }) => (state.data == null ? 1_000 : false),
    },
    queryClient,
  );
  return (
    <div className="mail">
      <Icon name="mail" />
      {link == null ? <p className="sub">No mail yet…</p> : <p className="sub">Your mail</p>}
      {link == null ? null : (
        <a className="button quiet" href={link}>
          Open its link
        </a>
      )}
    </div>
  );
};

type ForgotPasswordProps = { initial: Pick<Credentials, 'email' | 'as'>; onBack: () => void };

/** Asks for a mail with a link. The page says the same whether or not a person has the address. */
export const ForgotPassword = ({ initial, onBack }: ForgotPasswordProps) => {
  const trpc = useTRPC();
  const [email, setEmail] = useState(initial.email);
  const [as, setAs] = useState(initial.as);
  const title = useRef<HTMLHeadingElement>(null);
  const request = useMutation(trpc.account.requestPasswordReset.mutationOptions());
  useEffect(() => title.current?.focus(), []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    request.mutate({ email, as });
  };
  return (
    <form className="form" onSubmit={submit} noValidate>
      <h2 id="sign-in-title" ref={title} tabIndex={-1}>
        Forgot password
      </h2>
      <p className="sub">Enter your e-mail address. We send you a link with which you set a new password.</p>
      <SystemChoice
        legend="Account of"
        name="forgot-as"
        choices={kinds}
        labelOf={labelOf}
        value={as}
        onChange={setAs}
      />
      <TextField
        id="forgot-email"
        label="E-mail"
        type="email"
        autoComplete="username"
        value={email}
        error={fieldErrorsOf(request.error).email}
        onChange={(value) => {
          setEmail(value);
          if (!request.isIdle) request.reset();
        }}
      />
      <p className="field-error" role="alert">
        {accountWords(request.error, ['email'])}
      </p>
      <p className="field-success" role="status">
        {request.isSuccess ? 'If a person has this address, a mail with a link is on its way.' : ''}
      </p>
      {request.isSuccess ? <LinkMail email={email.trim()} sentAtMs={request.submittedAt} /> : null}
      <button type="submit" className="primary wide" aria-busy={request.isPending}>
        {request.isPending ? 'Sending…' : 'Send the link'}
      </button>
      <button type="button" className="quiet wide" onClick={onBack}>
        Back
      </button>
    </form>
  );
};
