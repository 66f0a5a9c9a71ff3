import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { lazy, Suspense, useState } from 'react';
import { DeskTitle } from '../desk/desk-title.tsx';
import { PageFooter } from '../desk/page-footer.tsx';
import { StatusPill } from '../desk/status-pill.tsx';
import { Tour } from '../tour/tour.tsx';
import { TroublePanel } from '../lab/trouble-panel.tsx';
import type { SeededPerson } from '../lab/dev-routes.ts';
import type { Credentials } from './credentials.ts';
import { isForgotLink, removeForgotLink } from './forgot-link.ts';
import { PeopleToTry } from './people-to-try.tsx';
import { SignInForm } from './sign-in-form.tsx';

/** Files of their own: most visits never open them. */
const ForgotPassword = lazy(async () => ({ default: (await import('./forgot-password.tsx')).ForgotPassword }));
const SecondFactor = lazy(async () => ({ default: (await import('./second-factor.tsx')).SecondFactor }));

const emptyCredentials: Credentials = { email: '', password: '', as: 'staff' };

/** The sign-in, with the second factor if it is required. */
export const SignIn = () => {
  const trpc = useTRPC();
  const [credentials, setCredentials] = useState(emptyCredentials);
  const [challenge, setChallenge] = useState<string | null>(null);
  const [hasForgotten, setHasForgotten] = useState(isForgotLink);
  const login = useMutation(
    trpc.session.login.mutationOptions({
      onSuccess: (answer) => setChallenge(answer.status === 'otp_required' ? answer.challenge : null),
    }),
  );
  const pick = ({ email, password, as }: SeededPerson) => {
    if (login.isPending) return;
    setCredentials({ email, password, as });
    setHasForgotten(false);
    setChallenge(null);
    login.mutate({ email, password, as });
  };
  const goBack = () => {
    setChallenge(null);
    setHasForgotten(false);
    login.reset();
    removeForgotLink();
  };

  return (
    <div className="sign-in">
      <header className="desk-header">
        <DeskTitle />
        <StatusPill />
      </header>
      <Tour person={null} />
      <main className="sign-in-main">
        <div className="sign-in-side">
          <section className="card" aria-labelledby="sign-in-title">
            <Suspense fallback={<div className="bone bone-form" role="status" aria-label="Loading" />}>
              {hasForgotten ? (
                <ForgotPassword initial={credentials} onBack={goBack} />
              ) : challenge === null ? (
                <SignInForm
                  credentials={credentials}
                  onChange={(next) => {
                    setCredentials(next);
                    if (login.isError) login.reset();
                  }}
                  onSubmit={login.mutate}
                  onForgot={() => {
                    login.reset();
                    setHasForgotten(true);
                  }}
                  error={login.error}
                  isPending={login.isPending}
                />
              ) : (
                <SecondFactor challenge={challenge} email={credentials.email} onResent={setChallenge} onBack={goBack} />
              )}
            </Suspense>
          </section>
          <TroublePanel />
        </div>
        <PeopleToTry onPick={pick} isBusy={login.isPending} />
      </main>
      <PageFooter />
    </div>
  );
};
