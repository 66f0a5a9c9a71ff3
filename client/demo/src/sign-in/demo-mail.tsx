import type { ReactNode } from 'react';
import { Icon } from '../desk/icon.tsx';

type DemoMailProps = {
  subject: string;
  /** Null: no mail has arrived. */
  body: ReactNode;
  action: ReactNode;
};

/** A mail that the embedded Auth Service sent. Only a demo can show it: a real page never knows what is in a mail. */
export const DemoMail = ({ subject, body, action }: DemoMailProps) => (
  <div className="mail" role="status">
    <Icon name="mail" />
    <p>
      <span className="sub">{body === null ? 'Demo mailbox' : `Demo mailbox: ${subject}`}</span>
      {body ?? <span className="mail-none">No e-mail yet</span>}
    </p>
    {action}
  </div>
);
