import { reasonOf } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { accountWords } from '../account/account-words.ts';
import { CallButton } from '../forms/call-button.tsx';
import { FormMessage } from '../forms/form-message.tsx';
import { TextField } from '../forms/text-field.tsx';
import { useFieldErrors } from '../forms/use-field-errors.ts';
import { useWait } from '../forms/use-wait.ts';
import { codeFault, toCode } from './code-fault.ts';
import { CodeMail } from './code-mail.tsx';
import { signInFieldErrors, signInWords } from './sign-in-words.ts';

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
        change('');
        onResent(answer.challenge);
        field.current?.focus();
      },
      // If the Auth Service sends no other code, its button goes away.
      onError: (error) => {
        if (reasonOf(error) === 'not_supported') field.current?.focus();
      },
    }),
  );
  const { form, errors, show, clear } = useFieldErrors(verify.error, signInFieldErrors);
  const wait = useWait(verify);
  const resendWait = useWait(resend);
  const cannotResend = reasonOf(resend.error) === 'not_supported';
  useEffect(() => field.current?.focus(), []);
  const change = (next: string) => {
    setCode(next);
    clear('code');
    if (verify.isError) verify.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (verify.isPending || wait.seconds > 0) return;
    if (!show(codeFault(code))) verify.mutate({ challenge, code });
  };
  return (
    <form className="form" onSubmit={submit} noValidate ref={form}>
      <div>
        <h2 id="sign-in-title">Check your e-mail</h2>
        <p className="sub">Enter the six-digit code that we sent to {email}.</p>
      </div>
      <CodeMail
        email={email}
        sent={challenge}
        onUse={(sent) => {
          change(sent);
          field.current?.focus();
        }}
      />
      <TextField
        id="code"
        label="Code"
        inputMode="numeric"
        autoComplete="one-time-code"
        ref={field}
        value={code}
        error={errors.code}
        onChange={(typed) => change(toCode(typed))}
      />
      <FormMessage error={signInWords(wait.error ?? verify.error, ['code'], 'staff')} wait={wait} />
      <button type="submit" className="primary wide" aria-busy={verify.isPending} aria-disabled={wait.seconds > 0}>
        {verify.isPending ? 'Checking…' : 'Continue'}
      </button>
      <div className="pair">
        <button type="button" className="quiet" onClick={onBack}>
          Back
        </button>
        {cannotResend ? null : (
          <CallButton call={resend} wait={resendWait} onCall={() => resend.mutate({ challenge })}>
            Send a new code
          </CallButton>
        )}
      </div>
      {cannotResend ? (
        <p className="sub" role="status">
          This Auth Service cannot send another code. Go back and sign in again to get one.
        </p>
      ) : (
        <FormMessage
          error={signInFieldErrors(resend.error).code ?? accountWords(resendWait.error ?? resend.error)}
          wait={resendWait}
          success={resend.isSuccess ? 'We sent a new code. The old one no longer works.' : ''}
        />
      )}
    </form>
  );
};
