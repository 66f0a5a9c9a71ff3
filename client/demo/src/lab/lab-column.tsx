import { RequestsPanel } from './requests-panel.tsx';
import { SessionPanel } from './session-panel.tsx';
import { TroublePanel } from './trouble-panel.tsx';

/** What no help desk would show: the product at work. */
export const LabColumn = () => (
  <>
    <SessionPanel />
    <TroublePanel />
    <RequestsPanel />
  </>
);
