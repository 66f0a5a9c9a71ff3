import { useTRPC } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { CallButton } from '../forms/call-button.tsx';
import { FormMessage } from '../forms/form-message.tsx';
import { useWait } from '../forms/use-wait.ts';
import { accountWords } from './account-words.ts';

/** Ends all sessions of the person. The client notices that this one has ended, and shows the sign-in. */
export const EverywhereCard = () => {
  const trpc = useTRPC();
  const end = useMutation(trpc.session.logoutEverywhere.mutationOptions());
  const wait = useWait(end);
  return (
    <section className="card" aria-labelledby="everywhere-title">
      <header className="card-head">
        <h3 id="everywhere-title">Sessions</h3>
      </header>
      <div className="form">
        <p className="sub">
          Lost a device, or think that somebody else is signed in as you? End all your sessions, including this one.
        </p>
        <FormMessage error={accountWords(wait.error ?? end.error)} wait={wait} />
        <div className="actions">
          <CallButton call={end} wait={wait} onCall={() => end.mutate()}>
            Sign out everywhere
          </CallButton>
        </div>
      </div>
    </section>
  );
};
