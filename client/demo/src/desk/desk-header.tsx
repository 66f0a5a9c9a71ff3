import type { Session } from '@auth-bff/client';
import { useSignOut } from '@auth-bff/client/react';
import { useMutation } from '@tanstack/react-query';
import { DeskTitle } from './desk-title.tsx';
import { StatusPill } from './status-pill.tsx';

/** The signed-in person, the state of the Auth Service, and the sign-out. */
export const DeskHeader = ({ me }: { me: Session }) => {
  const signOut = useMutation({ mutationFn: useSignOut() });
  const { fullName, email, type } = me.user;
  return (
    <header className="desk-header who-is-there">
      <DeskTitle />
      <StatusPill />
      <div className="who">
        <p>
          <span className="who-name">{fullName ?? email}</span>
          <span className="who-role">
            {me.systems.length > 0 ? me.systems.join(' · ') : type === 'staff' ? 'Staff' : 'Employee'}
          </span>
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
