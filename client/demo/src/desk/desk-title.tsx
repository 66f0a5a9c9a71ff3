import { Icon } from './icon.tsx';

export const DeskTitle = () => (
  <h1>
    <Icon name="ticket" />
    <span>Ticket desk</span>
  </h1>
);
