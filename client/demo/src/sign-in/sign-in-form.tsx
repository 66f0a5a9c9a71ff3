import { reasonOf, type RouterInputs } from '@auth-bff/client';
import { type FormEvent, useEffect, useRef, useState } from 'react';
import { FormMessage } from '../forms/form-message.tsx';
import { TextField } from '../forms/text-field.tsx';
import { useFieldErrors } from '../forms/use-field-errors.ts';
import { useRescuedFocus } from '../forms/use-rescued-focus.ts';
import { useWait } from '../forms/use-wait.ts';
import { SystemChoice } from '../tickets/system-choice.tsx';
import { CaptchaBox, captchaThatPasses } from './captcha-box.tsx';
import { type Credentials, kinds, labelOf } from './credentials.ts';
import { emailFault } from './email-fault.ts';
import { signInFieldErrors, signInWords } from './sign-in-words.ts';

type SignInFormProps = {
  credentials: Credentials;
  onChange: (credentials: Credentials) => void;
  onSubmit: (input: RouterInputs['session']['login']) => void;
  onForgot: () => void;
  /** Of the last sign-in, which a person to try may have started. */
  error: unknown;
  isPending: boolean;
};

const messageId = 'sign-in-error';
const fields = ['email', 'password', 'captchaToken'];

export const SignInForm = ({ credentials, onChange, onSubmit, onForgot, error, isPending }: SignInFormProps) => {
  /** The e-mail address of the account that needs a captcha: another one may need none. */
  const [captchaFor, setCaptchaFor] = useState<string | null>(null);
  const [isNoRobot, setIsNoRobot] = useState(false);
  const title = useRef<HTMLHeadingElement>(null);
  const passwordField = useRef<HTMLInputElement>(null);
  const { form, errors, show, clear } = useFieldErrors(error, signInFieldErrors);
  const wait = useWait({ error, isPending });
  useRescuedFocus(title);
  const { email, password, as } = credentials;
  const isWrong = reasonOf(error) === 'bad_credentials';
  if (reasonOf(error) === 'captcha_required' && captchaFor !== email) {
    setCaptchaFor(email);
    setIsNoRobot(false);
  }
  const needsCaptcha = captchaFor === email;
  const message = signInWords(wait.error ?? error, fields, as);

  useEffect(() => {
    if (isWrong) {
      passwordField.current?.focus();
      passwordField.current?.select();
    }
    // A person to try may be far below the form.
    if (error !== null) form.current?.scrollIntoView({ block: 'nearest' });
  }, [error, isWrong, form]);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (isPending || wait.seconds > 0) return;
    const found = {
      ...emailFault(email),
      ...(password === '' ? { password: 'Enter your password.' } : {}),
      ...(needsCaptcha && !isNoRobot ? { captchaToken: "Confirm that you're not a robot." } : {}),
    };
    if (!show(found)) onSubmit(needsCaptcha ? { ...credentials, captchaToken: captchaThatPasses } : credentials);
  };
  const change = (changed: Partial<Credentials>) => {
    for (const name of Object.keys(changed)) clear(name);
    onChange({ ...credentials, ...changed });
  };
  const sharedErrorId = isWrong ? messageId : undefined;
  return (
    <form className="form" onSubmit={submit} noValidate ref={form}>
      <h2 id="sign-in-title" ref={title} tabIndex={-1}>
        Sign in
      </h2>
      <SystemChoice
        legend="Sign in as"
        name="as"
        choices={kinds}
        labelOf={labelOf}
        value={as}
        onChange={(next) => change({ as: next })}
      />
      <TextField
        id="email"
        label="E-mail"
        type="email"
        autoComplete="username"
        value={email}
        error={errors.email}
        sharedErrorId={sharedErrorId}
        onChange={(value) => change({ email: value })}
      />
      <TextField
        id="password"
        label="Password"
        type="password"
        autoComplete="current-password"
        ref={passwordField}
        value={password}
        error={errors.password}
        sharedErrorId={sharedErrorId}
        onChange={(value) => change({ password: value })}
      />
      {needsCaptcha ? (
        <CaptchaBox
          isChecked={isNoRobot}
          error={errors.captchaToken}
          onChange={(next) => {
            setIsNoRobot(next);
            clear('captchaToken');
          }}
        />
      ) : null}
      <FormMessage id={messageId} error={message} wait={wait} />
      <button type="submit" className="primary wide" aria-busy={isPending} aria-disabled={wait.seconds > 0}>
        {isPending ? 'Signing in…' : 'Sign in'}
      </button>
      <button type="button" className="quiet wide" onClick={onForgot}>
        Forgot your password?
      </button>
    </form>
  );
};
