import { reasonOf, type RouterInputs } from '@auth-bff/client';
import { type FormEvent, useState } from 'react';
import { SystemChoice } from '../tickets/system-choice.tsx';
import { signInWords } from './sign-in-words.ts';

export type Credentials = { email: string; password: string; as: 'staff' | 'employee' };

type SignInFormProps = {
  credentials: Credentials;
  onChange: (credentials: Credentials) => void;
  onSubmit: (input: RouterInputs['session']['login']) => void;
  onForgot: () => void;
  error: unknown;
  isBusy: boolean;
};

/** The captcha token that the embedded Auth Service accepts. */
const captchaThatPasses = 'captcha-ok';
export const kinds = ['staff', 'employee'] as const;
export const labelOf = (kind: Credentials['as']) => (kind === 'staff' ? 'Staff' : 'Employee');

export const SignInForm = ({ credentials, onChange, onSubmit, onForgot, error, isBusy }: SignInFormProps) => {
  const [needsCaptcha, setNeedsCaptcha] = useState(false);
  const [isNoRobot, setIsNoRobot] = useState(false);
  if (!needsCaptcha && reasonOf(error) === 'captcha_required') setNeedsCaptcha(true);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit(isNoRobot ? { ...credentials, captchaToken: captchaThatPasses } : credentials);
  };
  const { email, password, as } = credentials;
  return (
    <form className="form" onSubmit={submit} noValidate>
      <h2 id="sign-in-title">Sign in</h2>
      <SystemChoice
        legend="Sign in as"
        name="as"
        choices={kinds}
        labelOf={labelOf}
        value={as}
        onChange={(next) => onChange({ ...credentials, as: next })}
      />
      <div className="field">
        <label htmlFor="email">E-mail</label>
        <input
          id="email"
          type="email"
          autoComplete="username"
          value={email}
          aria-describedby="sign-in-error"
          onChange={(event) => onChange({ ...credentials, email: event.target.value })}
        />
      </div>
      <div className="field">
        <label htmlFor="password">Password</label>
        <input
          id="password"
          type="password"
          autoComplete="current-password"
          value={password}
          aria-describedby="sign-in-error"
          onChange={(event) => onChange({ ...credentials, password: event.target.value })}
        />
      </div>
      {needsCaptcha ? (
        <label className="check">
          <input type="checkbox" checked={isNoRobot} onChange={(event) => setIsNoRobot(event.target.checked)} />I am no
          robot
        </label>
      ) : null}
      <p className="field-error form-message" id="sign-in-error" role="alert">
        {error === null ? '' : signInWords(error)}
      </p>
      <button type="submit" className="primary wide" aria-busy={isBusy}>
        {isBusy ? 'Signing in…' : 'Sign in'}
      </button>
      <button type="button" className="quiet wide" onClick={onForgot}>
        Forgot password
      </button>
    </form>
  );
};
