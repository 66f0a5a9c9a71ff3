import { useServiceStatus } from './use-service-status.ts';

/** The state of the Auth Service. */
export const StatusPill = () => {
  const state = useServiceStatus();
  return (
    <p className="pill" role="status" data-status={state ?? 'unknown'}>
      <span className="pill-dot" aria-hidden="true" />
      Auth Service {state ?? '…'}
    </p>
  );
};
