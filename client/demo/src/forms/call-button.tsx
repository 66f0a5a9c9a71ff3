import type { ReactNode } from 'react';
import type { Wait } from './use-wait.ts';

type CallButtonProps = {
  call: { isPending: boolean };
  /** The wait after the last refusal of the call. */
  wait: Wait;
  onCall: () => void;
  children: ReactNode;
};

/** Sends a call, unless it is under way or has to wait. It is not `disabled`, because it would lose the focus. */
export const CallButton = ({ call, wait, onCall, children }: CallButtonProps) => (
  <button
    type="button"
    className="quiet"
    aria-busy={call.isPending}
    aria-disabled={wait.seconds > 0}
    onClick={() => {
      if (!call.isPending && wait.seconds === 0) onCall();
    }}
  >
    {children}
  </button>
);
