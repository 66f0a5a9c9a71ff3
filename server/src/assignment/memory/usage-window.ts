import { assignmentWindowMs } from '../assignment-limits.ts';

/** The additions of one hour. */
export type UsageWindow = { keys: number; rotations: number; expiresAtMs: number };

/** A copy of the window, or a new one if it has ended. */
export const currentWindow = (window: UsageWindow | undefined, nowMs: number): UsageWindow => {
  if (window === undefined || window.expiresAtMs <= nowMs) {
    return { keys: 0, rotations: 0, expiresAtMs: nowMs + assignmentWindowMs };
  }
  // If the clock was set back, the window becomes no longer, even if the call is rejected and changes nothing else.
  window.expiresAtMs = Math.min(window.expiresAtMs, nowMs + assignmentWindowMs);
  return { ...window };
};

/** Drops ended windows from the front of a map in order of expiry. */
export const dropEndedWindows = (windows: Map<string, UsageWindow>, nowMs: number): void => {
  for (const [name, { expiresAtMs }] of windows) {
    if (expiresAtMs > nowMs) return;
    windows.delete(name);
  }
};
