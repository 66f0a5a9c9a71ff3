import { useEffect, useEffectEvent, useState } from 'react';

const secondsUntil = (dueAtMs: number) => Math.max(0, Math.ceil((dueAtMs - Date.now()) / 1000));

/** Whole seconds until `dueAtMs`, counted down. Calls `onDue` at that time. Null: nothing is due. */
export const useCountdown = (dueAtMs: number | null, onDue?: () => void): number => {
  const [, render] = useState(0);
  const notifyDue = useEffectEvent(() => onDue?.());
  useEffect(() => {
    if (dueAtMs === null) return undefined;
    const due = setTimeout(() => notifyDue(), Math.max(0, dueAtMs - Date.now()));
    const ticks = setInterval(() => {
      if (secondsUntil(dueAtMs) === 0) clearInterval(ticks);
      render((tick) => tick + 1);
    }, 500);
    return () => {
      clearTimeout(due);
      clearInterval(ticks);
    };
  }, [dueAtMs]);
  return dueAtMs === null ? 0 : secondsUntil(dueAtMs);
};
