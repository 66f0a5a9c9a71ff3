import { reasonOf } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { CodeMail } from './code-mail.tsx';
import { signInWords } from './sign-in-words.ts';

type SecondFactorProps = {
  challenge: string;
  email: string;
  /** Another code was sent, for this challenge. */
  onResent: (challenge: string) => void;
  onBack: () => void;
};

/** The form for the code, with the e-mail that contains it. */
export const SecondFactor = ({ challenge, email, onResent, onBack }: SecondFactorProps) => {
  const trpc = useTRPC();
  const [code, setCode] = useState('');
  const field = useRef<HTMLInputElement>(null);
  const verify = useMutation(trpc.session.verifyOtp.mutationOptions());
  const resend = useMutation(
    trpc.session.resendOtp.mutationOptions({
      onSuccess: (answer) => {
        setCode('');
        verify.reset();
        onResent(answer.challenge);
        field.current?.focus();
      },
    }),
  );
  const cannotResend = reasonOf(resend.error) === 'not_supported';
  useEffect(() => field.current?.focus(), []);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    verify.mutate({ challenge, code });
  };
  const error = verify.error ?? (cannotResend ? null : resend.error);
  return (
    <form className="form" onSubmit={submit} noValidate>
      <h2 id="sign-in-title">One more step</h2>
      <p className="sub">We sent a code of six digits to {email}.</p>
      <CodeMail
        email={email}
        sent={challenge}
        onUse={(sent) => {
          setCode(sent);
          field.current?.focus();
        }}
      />
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
        {error === null ? '' : signInWords(error)}
      </p>
      <button type="submit" className="primary wide" aria-busy={verify.isPending}>
        {verify.isPending ? 'Checking…' : 'Go on'}
      </button>
      {cannotResend ? null : (
        <button
          type="button"
          className="quiet wide"
          aria-busy={resend.isPending}
          onClick={() => resend.mutate({ challenge })}
        >
          Send a new code
        </button>
      )}
      <p className="sub" role="status">
        {cannotResend
          ? 'This Auth Service cannot send another code. Go back and sign in again to get one.'
          : resend.isSuccess
            ? 'A new code was sent. The old one is not valid any more.'
            : ''}
      </p>
      <button type="button" className="quiet wide" onClick={onBack}>
        Back
      </button>
    </form>
  );
};
