import type { ReactNode } from 'react';
import { Icon } from '../desk/icon.tsx';

type DemoMailProps = {
  /** Null: no mail has arrived. */
  body: ReactNode;
  action: ReactNode;
};

/** A mail that the embedded Auth Service sent. Only a demo can show it: a real page never knows what is in a mail. */
export const DemoMail = ({ body, action }: DemoMailProps) => (
  <div className="mail" role="status">
    <Icon name="mail" />
    <p>
      <span className="sub">Demo mailbox</span>
      {body ?? <strong>No e-mail yet</strong>}
    </p>
    {action}
  </div>
);
