import { useTRPC } from '@auth-bff/client/react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { Icon } from '../desk/icon.tsx';
import { devRoutes } from '../lab/dev-routes.ts';
import { useLab } from '../lab/lab-context.tsx';
import { signInWords } from './sign-in-words.ts';

type SecondFactorProps = { challenge: string; email: string; onBack: () => void };

/** The form for the code, with the e-mail that contains it. */
export const SecondFactor = ({ challenge, email, onBack }: SecondFactorProps) => {
  const trpc = useTRPC();
  const { queryClient } = useLab();
  const [code, setCode] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const verify = useMutation(trpc.session.verifyOtp.mutationOptions());
  const { data: sent } = useQuery(
    {
      queryKey: ['last-code', email, challenge],
      queryFn: () => devRoutes.lastCode(email),
      refetchInterval: ({ state }) => (state.data == null ? 1_000 : false),
    },
    queryClient,
  );
  useEffect(() => field.current?.focus(), []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    verify.mutate({ challenge, code });
  };
  return (
    <form className="form" onSubmit={submit} noValidate>
      <h2 id="sign-in-title">One more step</h2>
      <p className="sub">We sent a code of six digits to {email}.</p>
      <div className="mail" role="status">
        <Icon name="mail" />
        {sent == null ? (
          <p className="sub">Waiting for the mail…</p>
        ) : (
          <p>
            <span className="sub">Your code</span>
            <strong className="mail-code">{sent}</strong>
          </p>
        )}
        <button
          type="button"
          className="quiet"
          disabled={sent == null}
          onClick={() => {
            setCode(sent ?? '');
            field.current?.focus();
          }}
        >
          Use it
        </button>
      </div>
      <div className="field">
        <label htmlFor="code">Code</label>
        <input
          id="code"
          ref={field}
          inputMode="numeric"
          autoComplete="one-time-code"
          maxLength={6}
          value={code}
          aria-describedby="code-error"
          onChange={(event) => {
            setCode(event.target.value);
            if (verify.isError) verify.reset();
          }}
        />
      </div>
      <p className="field-error form-message" id="code-error" role="alert">
        {verify.error === null ? '' : signInWords(verify.error)}
      </p>
      <button type="submit" className="primary wide" aria-busy={verify.isPending}>
        {verify.isPending ? 'Checking…' : 'Go on'}
      </button>
      <button type="button" className="quiet wide" onClick={onBack}>
        Back
      </button>
    </form>
  );
};
