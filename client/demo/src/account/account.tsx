import '../style/account.css';
import { useEffect, useRef } from 'react';
import { Icon } from '../desk/icon.tsx';
import { QueryView } from '../desk/query-view.tsx';
import { EverywhereCard } from './everywhere-card.tsx';
import { PasswordCard } from './password-card.tsx';
import { PictureCard } from './picture-card.tsx';
import { ProfileCard } from './profile-card.tsx';
import { SecondFactorCard } from './second-factor-card.tsx';
import { useProfile } from './use-profile.ts';

/** What people manage about themselves. */
export const Account = () => {
  const profile = useProfile();
  const title = useRef<HTMLHeadingElement>(null);
  useEffect(() => title.current?.focus(), []);
  return (
    <main className="account">
      <header className="account-head">
        <h2 ref={title} tabIndex={-1}>
          My account
        </h2>
        <a className="button quiet" href="#tickets">
          <Icon name="ticket" />
          To the tickets
        </a>
      </header>
      <QueryView
        query={profile}
        subject="Your account"
        skeleton={<div className="bone bone-account" role="status" aria-label="Loading your account" />}
      >
        {(loaded) => (
          <div className="account-cards">
            <div className="column">
              <ProfileCard profile={loaded} />
              <PictureCard profile={loaded} />
            </div>
            <div className="column">
              <PasswordCard email={loaded.email} />
              <SecondFactorCard profile={loaded} />
              <EverywhereCard />
            </div>
          </div>
        )}
      </QueryView>
    </main>
  );
};
