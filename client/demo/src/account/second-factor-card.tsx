import { type Profile, reasonOf } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useRef, useState } from 'react';
import { CallButton } from '../forms/call-button.tsx';
import { type FieldErrors, fieldErrorsOf } from '../forms/field-errors.ts';
import { FormMessage } from '../forms/form-message.tsx';
import { TextField } from '../forms/text-field.tsx';
import { useFieldErrors } from '../forms/use-field-errors.ts';
import { useWait } from '../forms/use-wait.ts';
import { codeFault, toCode } from '../sign-in/code-fault.ts';
import { CodeMail } from '../sign-in/code-mail.tsx';
import { accountWords } from './account-words.ts';
import { useProfileUpdate } from './use-profile.ts';

/** A wrong code stands at its field. */
const toErrors = (error: unknown): FieldErrors =>
  reasonOf(error) === 'otp_invalid' ? { code: accountWords(error) } : fieldErrorsOf(error);

/** Enables and disables the second factor. Staff need a code by mail to disable it, employees do not. */
export const SecondFactorCard = ({ profile }: { profile: Profile }) => {
  const trpc = useTRPC();
  const { reload } = useProfileUpdate();
  const [password, setPassword] = useState('');
  const [code, setCode] = useState('');
  const isEnabled = profile.secondFactor === true;
  const needsCode = isEnabled && profile.type === 'staff';
  const request = useMutation(trpc.account.secondFactor.mutationOptions());
  const change = useMutation(
    trpc.account.secondFactor.mutationOptions({
      onSuccess: async () => {
        setPassword('');
        setCode('');
        request.reset();
        await reload();
      },
    }),
  );
  const codeField = useRef<HTMLInputElement>(null);
  const { form, errors, show, clear } = useFieldErrors(change.error, toErrors);
  const wait = useWait(change);
  const requestWait = useWait(request);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (change.isPending || wait.seconds > 0) return;
    const found = {
      ...(password === '' ? { password: 'Enter your password.' } : {}),
      ...(needsCode ? codeFault(code) : {}),
    };
    if (show(found)) return;
    if (!isEnabled) change.mutate({ action: 'enable', password });
    else change.mutate({ action: 'disable', password, ...(needsCode ? { code } : {}) });
  };
  const edit = (name: 'password' | 'code', value: string) => {
    if (name === 'password') setPassword(value);
    else setCode(value);
    clear(name);
    if (!change.isIdle) change.reset();
  };
  const isWrongCode = reasonOf(change.error) === 'otp_invalid';
  const done = change.variables?.action === 'enable' ? 'Your second factor is on.' : 'Your second factor is off.';
  return (
    <section className="card" aria-labelledby="factor-title">
      <header className="card-head">
        <h3 id="factor-title">Second factor</h3>
        <span className="badge">{profile.secondFactor === null ? 'Unknown' : isEnabled ? 'On' : 'Off'}</span>
      </header>
      <form className="form" onSubmit={submit} noValidate ref={form}>
        <p className="sub">
          {isEnabled
            ? 'To sign in, you need your password and a code that we send to your e-mail address.'
            : 'Protect your account: to sign in, you also need a code that we send to your e-mail address.'}
        </p>
        <TextField
          id="factor-password"
          label="Password"
          type="password"
          autoComplete="current-password"
          value={password}
          error={errors.password}
          onChange={(value) => edit('password', value)}
        />
        {needsCode ? (
          <>
            <CallButton call={request} wait={requestWait} onCall={() => request.mutate({ action: 'requestCode' })}>
              {request.isSuccess ? 'Send another code' : 'Send me a code'}
            </CallButton>
            <FormMessage
              error={accountWords(requestWait.error ?? request.error)}
              wait={requestWait}
              success={request.isSuccess ? 'We sent you a code.' : ''}
            />
            {request.isSuccess ? (
              <CodeMail
                email={profile.email}
                sent={`${request.submittedAt}`}
                onUse={(sent) => {
                  edit('code', sent);
                  codeField.current?.focus();
                }}
              />
            ) : null}
            <TextField
              id="factor-code"
              label="Code"
              inputMode="numeric"
              autoComplete="one-time-code"
              ref={codeField}
              value={code}
              error={errors.code}
              onChange={(typed) => edit('code', toCode(typed))}
            />
          </>
        ) : null}
        <FormMessage
          error={isWrongCode ? '' : accountWords(wait.error ?? change.error, ['password', 'code'])}
          wait={wait}
          success={change.isSuccess ? done : ''}
        />
        <div className="actions">
          <button
            type="submit"
            className={isEnabled ? 'quiet' : 'primary'}
            aria-busy={change.isPending}
            aria-disabled={wait.seconds > 0}
          >
            {isEnabled ? 'Turn off' : 'Turn on'}
          </button>
        </div>
      </form>
    </section>
  );
};
