import type { Session } from '@auth-bff/client';
import { useSignOut } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { DeskTitle } from './desk-title.tsx';
import { StatusPill } from './status-pill.tsx';
import { useOwnName } from './use-own-name.ts';

const toRole = ({ systems, user }: Session): string => {
  if (user.type === 'employee') return 'Employee';
  return systems.length === 0 ? 'Staff' : systems.join(' · ');
};

/** The signed-in person, the state of the Auth Service, and the sign-out. */
export const DeskHeader = ({ me }: { me: Session }) => {
  const signOut = useMutation({ mutationFn: useSignOut() });
  const name = useOwnName(me);
  return (
    <header className="desk-header">
      <DeskTitle />
      <StatusPill />
      <div className="who">
        <p>
          <span className="who-name">{name ?? <span className="bone bone-who" aria-hidden="true" />}</span>
          <span className="who-role">{toRole(me)}</span>
        </p>
        <a className="button quiet account-link" href="#account">
          My account
        </a>
        <button type="button" className="quiet" onClick={() => signOut.mutate()} aria-busy={signOut.isPending}>
          {signOut.isError ? 'Try to sign out again' : 'Sign out'}
        </button>
      </div>
    </header>
  );
};
