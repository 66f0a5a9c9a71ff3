import { RequestsPanel } from './requests-panel.tsx';
import { SessionPanel } from './session-panel.tsx';
import { TroublePanel } from './trouble-panel.tsx';

/** Panels that show the internals: session, requests, faults. */
export const LabColumn = () => (
  <>
    <SessionPanel />
    <TroublePanel />
    <RequestsPanel />
  </>
);
