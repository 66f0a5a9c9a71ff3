import { Icon } from './icon.tsx';

/** The heading of the page. Gets the focus after a sign-in. */
export const DeskTitle = () => (
  <h1 tabIndex={-1}>
    <Icon name="ticket" />
    <span>Ticket desk</span>
  </h1>
);
