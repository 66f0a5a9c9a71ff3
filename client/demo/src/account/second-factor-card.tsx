import type { Profile } from '@auth-bff/client';
import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { type FormEvent, useState } from 'react';
import { TextField } from '../desk/text-field.tsx';
import { CodeMail } from '../sign-in/code-mail.tsx';
import { accountWords, fieldErrorsOf } from './account-words.ts';
import { Outcome } from './outcome.tsx';
import { useProfileUpdate } from './use-profile.ts';

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
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!isEnabled) change.mutate({ action: 'enable', password });
    else change.mutate({ action: 'disable', password, ...(needsCode ? { code } : {}) });
  };
  const clear = () => {
    if (!change.isIdle) change.reset();
  };
  const errors = fieldErrorsOf(change.error);
  const done = change.variables?.action === 'enable' ? 'Your second factor is on.' : 'Your second factor is off.';
  return (
    <section className="card" aria-labelledby="factor-title">
      <header className="card-head">
        <h3 id="factor-title">Second factor</h3>
        <span className="badge">{profile.secondFactor === null ? 'unknown' : isEnabled ? 'on' : 'off'}</span>
      </header>
      <form className="form" onSubmit={submit} noValidate>
        <p className="sub">
          {isEnabled
            ? 'A sign-in needs your password and a code that we send to your e-mail address.'
            : 'With a second factor, a stolen password alone is useless: a sign-in also needs a code by mail.'}
        </p>
        <TextField
          id="factor-password"
          label="Password"
          type="password"
          autoComplete="current-password"
          value={password}
          error={errors.password}
          onChange={(value) => {
            setPassword(value);
            clear();
          }}
        />
        {needsCode ? (
          <>
            <button
              type="button"
              className="quiet"
              aria-busy={request.isPending}
              onClick={() => request.mutate({ action: 'requestCode' })}
            >
              {request.isSuccess ? 'Send another code' : 'Send me a code'}
            </button>
            <Outcome error={accountWords(request.error)} success={request.isSuccess ? 'A code was sent.' : ''} />
            {request.isSuccess ? (
              <CodeMail email={profile.email} sent={`${request.submittedAt}`} onUse={setCode} />
            ) : null}
            <TextField
              id="factor-code"
              label="Code"
              inputMode="numeric"
              autoComplete="one-time-code"
              maxLength={6}
              value={code}
              error={errors.code}
              onChange={(value) => {
                setCode(value);
                clear();
              }}
            />
          </>
        ) : null}
        <Outcome error={accountWords(change.error, ['password', 'code'])} success={change.isSuccess ? done : ''} />
        <div className="actions">
          <button type="submit" className={isEnabled ? 'quiet' : 'primary'} aria-busy={change.isPending}>
            {isEnabled ? 'Turn off' : 'Turn on'}
          </button>
        </div>
      </form>
    </section>
  );
};
