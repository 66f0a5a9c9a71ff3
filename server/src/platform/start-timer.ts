/** Runs `task` after `ms` milliseconds. The returned function cancels it. */
export type StartTimer = (task: () => void, ms: number) => () => void;

export const startSystemTimer: StartTimer = (task, ms) => {
  const timer = setTimeout(task, ms);
  return () => clearTimeout(timer);
};

/** A timer that does not keep the process running. */
export const startBackgroundTimer: StartTimer = (task, ms) => {
  const timer = setTimeout(task, ms).unref();
  return () => clearTimeout(timer);
};
