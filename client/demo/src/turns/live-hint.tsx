import type { LiveState } from './use-live-turns.ts';

const words = { live: 'Live', connecting: 'Connecting…', off: 'Not live' } as const;

/** Whether the turns on the page move by themselves, or may be old. */
export const LiveHint = ({ state }: { state: LiveState }) => (
  <p className="live-hint" role="status" data-live={state}>
    <span className="pill-dot" aria-hidden="true" />
    {words[state]}
  </p>
);
