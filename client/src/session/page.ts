/** The tab, as far as it matters for the session. */
export type Page = {
  isVisible: () => boolean;
  /** Calls back when the tab is shown or hidden, and when the network comes back. Returns how to stop that. */
  onChange: (listener: () => void) => () => void;
  /** Calls back when the page comes out of the back/forward cache, or was frozen and runs again. */
  onRestore: (listener: () => void) => () => void;
};

const listen = (target: EventTarget, type: string, listener: (event: Event) => void) => {
  // Before the page's own listeners, which may make calls.
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
