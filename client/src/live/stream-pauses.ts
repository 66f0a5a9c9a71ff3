import type { Clock } from '../clock.ts';
import { listen } from '../session/page.ts';

export type StreamPausesOptions = {
  /** Null outside browsers: streams never pause. */
  tab: Window | null;
  clock: Clock;
  /** Milliseconds that a tab must be hidden before its streams close. False: they stay open. */
  closeWhenHiddenMs: number | false;
  onPause: () => void;
  onResume: () => void;
  /** The network is back. */
  onOnline: () => void;
};

/** Decides when streams are closed because nobody sees the page: some time after it was hidden, and at once when it is left. */
export const createStreamPauses = (options: StreamPausesOptions) => {
  const { tab, clock, closeWhenHiddenMs, onPause, onResume, onOnline } = options;
  let isPaused = false;
  /** The page was left. It may be in the back/forward cache, which admits no page with an open connection. */
  let isLeft = false;
  let timer: unknown = null;

  const stopTimer = () => {
    if (timer !== null) clock.clearTimeout(timer);
    timer = null;
  };
  const pause = () => {
    stopTimer();
    if (isPaused) return;
    isPaused = true;
    onPause();
  };
  const update = () => {
    if (isLeft) return pause();
    if (tab?.document.visibilityState === 'hidden') {
      if (closeWhenHiddenMs !== false && !isPaused) timer ??= clock.setTimeout(pause, closeWhenHiddenMs);
      // A restored page that is hidden and keeps its streams.
      if (closeWhenHiddenMs !== false || !isPaused) return;
    }
    stopTimer();
    if (!isPaused) return;
    isPaused = false;
    onResume();
  };
  const setLeft = (left: boolean) => () => {
    isLeft = left;
    update();
  };

  const stops =
    tab === null
      ? []
      : [
          listen(tab.document, 'visibilitychange', update),
          listen(tab, 'pagehide', setLeft(true)),
          listen(tab, 'pageshow', setLeft(false)),
          listen(tab, 'online', onOnline),
        ];
  update();

  return {
    isPaused: () => isPaused,
    dispose(): void {
      stopTimer();
      for (const stop of stops) stop();
    },
  };
};
