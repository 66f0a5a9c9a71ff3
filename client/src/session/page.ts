/** The events of a tab that matter for the session. */
export type Page = {
  isVisible: () => boolean;
  /** Calls `listener` when the tab is shown or hidden, and when the network is back. Returns a function that unsubscribes. */
  onChange: (listener: () => void) => () => void;
  /** Calls `listener` when the page is restored from the back/forward cache or resumes after it was frozen. */
  onRestore: (listener: () => void) => () => void;
};

/** Calls `listener` with each event. Returns a function that stops this. */
export const listen = (target: EventTarget, type: string, listener: (event: Event) => void) => {
  // In the capture phase: before the page's own listeners, which may make calls.
  target.addEventListener(type, listener, true);
  return () => target.removeEventListener(type, listener, true);
};

export const browserPage = (tab: Window): Page => {
  const { document } = tab;
  return {
    isVisible: () => document.visibilityState !== 'hidden',
    onChange(listener) {
      const stops = [listen(document, 'visibilitychange', listener), listen(tab, 'online', listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
    onRestore(listener) {
      const onShow = (event: Event) => {
        if ((event as PageTransitionEvent).persisted) listener();
      };
      const stops = [listen(tab, 'pageshow', onShow), listen(document, 'resume', listener)];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
};
