import type { TRPCClientError } from '@trpc/client';
import { reasonOf } from '../../../client/src/index.ts';
import { type LiveLinkOptions, liveLink } from '../../../client/src/live.ts';
import { createFakeStreams } from './fake-streams.ts';
import { createWorld, type Tab, type World, type WorldOptions } from './open-tabs.ts';

type Subscribe = (
  path: string,
  input: unknown,
  options: {
    onData: (data: unknown) => void;
    onStarted: () => void;
    onError: (error: TRPCClientError<never>) => void;
    onComplete: () => void;
    onConnectionStateChange: (state: { state: string; error: TRPCClientError<never> | null }) => void;
    signal?: AbortSignal;
  },
) => { unsubscribe: () => void };

/** Subscribes to a procedure, and notes all that its subscriber learns. The router of these tests is a fake. */
const subscribeIn = (tab: Tab, path: string, input?: unknown, signal?: AbortSignal) => {
  const data: unknown[] = [];
  const errors: unknown[] = [];
  const states: string[] = [];
  const counts = { started: 0, completed: 0 };
  const [router = '', name = ''] = path.split('.');
  const procedures = tab.trpc as unknown as Record<string, Record<string, { subscribe: (...all: unknown[]) => never }>>;
  const subscribe: Subscribe = (_path, own, options) => procedures[router]?.[name]?.subscribe(own, options) as never;
  const { unsubscribe } = subscribe(path, input, {
    onData: (event) => void data.push(event),
    onStarted: () => {
      counts.started += 1;
    },
    onError: (error) => void errors.push(reasonOf(error) ?? error.message),
    onComplete: () => {
      counts.completed += 1;
    },
    onConnectionStateChange: ({ state, error }) =>
      void states.push(error === null ? state : `${state} ${reasonOf(error) ?? error.message}`),
    ...(signal === undefined ? {} : { signal }),
  });
  return { data, errors, states, counts, unsubscribe };
};

export type LiveTabOptions = LiveLinkOptions & { world?: World; isSignedIn?: boolean } & WorldOptions;

/** A tab of a signed-in person whose streams the test controls. */
export const openLiveTab = async ({ world: own, isSignedIn = true, ...options }: LiveTabOptions = {}) => {
  const { EventSource: _unused, closeWhenHiddenMs, watchSession, ...ofWorld } = options;
  const world = own ?? createWorld(ofWorld);
  const streams = createFakeStreams();
  const live = liveLink({
    EventSource: streams.EventSource,
    ...(closeWhenHiddenMs === undefined ? {} : { closeWhenHiddenMs }),
    ...(watchSession === undefined ? {} : { watchSession }),
  });
  const tab = isSignedIn ? await world.openSignedIn({ live }) : world.openTab({ live });
  await world.settle();
  return {
    world,
    streams,
    tab,
    subscribe(
      path = 'assignments.onTurn',
      input: unknown = { system: 'TTS', role: 'Technician' },
      signal?: AbortSignal,
    ) {
      return subscribeIn(tab, path, input, signal);
    },
    /** Subscribes, and the BFF accepts the connection. */
    async subscribeWell(path?: string, input?: unknown) {
      const subscription = subscribeIn(
        tab,
        path ?? 'assignments.onTurn',
        input ?? (path === undefined ? { system: 'TTS', role: 'Technician' } : undefined),
      );
      await world.settle();
      streams.last().accept();
      await world.settle();
      return subscription;
    },
  };
};
