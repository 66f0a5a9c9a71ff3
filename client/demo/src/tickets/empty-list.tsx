import { Icon } from '../desk/icon.tsx';
import type { System } from './ticket-service.ts';

type EmptyListProps = { system: System | 'all'; onNew: () => void };

/** In place of the list, with the next step. */
export const EmptyList = ({ system, onNew }: EmptyListProps) => (
  <div className="empty">
    <Icon name="ticket" />
    {system === 'all' ? (
      <>
        <p className="note-title">You have no tickets yet</p>
        <p>Open one if something does not work or you need help.</p>
        <button type="button" className="quiet" onClick={onNew}>
          Open your first ticket
        </button>
      </>
    ) : (
      <>
        <p className="note-title">No tickets of {system}</p>
        <p>Choose All to see the tickets of your other systems.</p>
      </>
    )}
  </div>
);
