import { vi } from 'vitest';
import { type AuthClientOptions, createAuthClient, type SessionSnapshot } from '../../../client/src/index.ts';
import { createFakeBff, type FakeBffOptions } from './fake-bff.ts';
import { createFakeChannels, createFakeLocks, type LockBehaviour, stubWindow } from './fake-browser.ts';
import { createFakeClock, settle } from '../time/fake-clock.ts';
import { createThrottledClock } from '../time/throttled-clock.ts';

export type WorldOptions = Partial<FakeBffOptions> & {
  locks?: LockBehaviour | null;
  /** Milliseconds until a message arrives at the other tabs. */
  channelDelayMs?: number;
  /** Whether the timers of hidden tabs run once a minute. Default false. */
  throttlesHiddenTabs?: boolean;
};

/** A BFF and a browser with one clock. Tests that open tabs must restore the globals afterwards. */
export const createWorld = ({
  locks: behaviour = 'normal',
  channelDelayMs,
  throttlesHiddenTabs = false,
  ...options
}: WorldOptions = {}) => {
  const clock = createFakeClock();
  const bff = createFakeBff({ now: clock.now, ...options });
  const browser = bff.openBrowser();
  const locks = behaviour === null ? null : createFakeLocks(behaviour);
  const channels = createFakeChannels({ clock, ...(channelDelayMs === undefined ? {} : { delayMs: channelDelayMs }) });

  const openTab = ({ isVisible = true, ...own }: Partial<AuthClientOptions> & { isVisible?: boolean } = {}) => {
    const window = stubWindow({ isVisible });
    const onSignedOut = vi.fn<() => void>();
    const changes: SessionSnapshot[] = [];
    const { trpc, session } = createAuthClient({
      url: 'https://app.test/trpc',
      fetch: browser.fetch,
      clock: throttlesHiddenTabs ? createThrottledClock(clock, window.isHidden) : clock,
      random: () => 0,
      retry: false,
      locks,
      channel: channels.open(),
      onSignedOut,
      onSessionChange: (change) => void changes.push(change),
      ...own,
    });
    return {
      trpc,
      session,
      window,
      onSignedOut,
      changes,
      states: () => changes.map(({ state }) => state),
    };
  };

  return {
    clock,
    bff,
    browser,
    locks,
    channels,
    openTab,
    settle,
    /** Opens a tab of a signed-in person and loads the session. */
    async openSignedIn(own: Parameters<typeof openTab>[0] = {}) {
      if (browser.jar.access === null) browser.signIn();
      const tab = openTab(own);
      await tab.trpc.session.me.query();
      return tab;
    },
    /** All that a page could leak. */
    leftovers: (...tabs: ReturnType<typeof openTab>[]) => ({
      timers: clock.pending(),
      channels: channels.openCount(),
      channelListeners: channels.listenerCount(),
      windowListeners: tabs.reduce((sum, { window }) => sum + window.listenerCount(), 0),
      locks: locks === null ? 0 : locks.held().length + locks.waiting(),
    }),
  };
};

export type World = ReturnType<typeof createWorld>;
export type Tab = ReturnType<World['openTab']>;

export const nothingLeft = { timers: 0, channels: 0, channelListeners: 0, windowListeners: 0, locks: 0 };
