import { createAuthClient, reasonOf, type SessionSnapshot } from '../../client/src/index.ts';
import { liveLink } from '../../client/src/live.ts';
import { createPageClock } from './page-clock.ts';

/** The interface of a page for its test. */
export type TestPage = {
  signIn: (email?: string) => Promise<void>;
  signOut: () => Promise<void>;
  /** Refreshes, and returns `ok` or the error reason. */
  refresh: () => Promise<string>;
  /** Sends `times` queries, `apartMs` milliseconds apart. Returns `ok` or the error reason of each. */
  sendQueries: (times: number, apartMs: number) => Promise<string[]>;
  current: () => SessionSnapshot;
  states: string[];
  signedOut: number;
  /** Advances the clock of this page's client. Only with `?clock=page` in the URL. */
  advance: (ms: number) => void;
  /** Number of the client's requests in flight. */
  underWay: number;
  /** Subscribes to the turns of TTS. */
  follow: () => void;
  /** Gives a turn, with this key. */
  giveTurn: (key: string) => Promise<void>;
  /** The keys of the turns that the subscription has delivered, in order. */
  turns: (string | null)[];
  /** The states of the subscription's connection, and its error. */
  streamStates: string[];
  /** For each `pageshow` event: whether the page came from the back/forward cache. */
  shown: boolean[];
};

declare global {
  // oxlint-disable-next-line no-var -- globals are declared with var
  var testPage: TestPage;
}

const states: string[] = [];
const shown: boolean[] = [];
const { clock, advance } = createPageClock();
const { trpc, session } = createAuthClient({
  url: '/trpc',
  retry: false,
  live: liveLink(),
  onSessionChange: ({ state }) => void states.push(state),
  onSignedOut: () => {
    globalThis.testPage.signedOut += 1;
  },
  fetch: async (input, init) => {
    globalThis.testPage.underWay += 1;
    try {
      return await fetch(input, init);
    } finally {
      globalThis.testPage.underWay -= 1;
    }
  },
  ...(location.search === '?clock=page' ? { clock } : {}),
});

addEventListener('pageshow', ({ persisted }) => void shown.push(persisted));

const turns: (string | null)[] = [];
const streamStates: string[] = [];
const rotation = { system: 'TTS', role: 'Technician' };

const outcomeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'ok',
    (error: unknown) => String(reasonOf(error) ?? error),
  );
const pause = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));

globalThis.testPage = {
  states,
  signedOut: 0,
  underWay: 0,
  shown,
  advance,
  turns,
  streamStates,
  follow() {
    trpc.assignments.onTurn.subscribe(rotation, {
      onData: ({ data }) => void turns.push(data.key),
      onError: (error) => void streamStates.push(String(reasonOf(error))),
      onConnectionStateChange: ({ state }) => void streamStates.push(state),
    });
  },
  async giveTurn(key) {
    await trpc.assignments.next.mutate({ ...rotation, key });
  },
  current: () => session.current,
  async signIn(email = 'user@example.com') {
    await trpc.session.login.mutate({ email, password: 'staff-pass-1' });
  },
  signOut: session.signOut,
  refresh: () => outcomeOf(session.refresh()),
  sendQueries: (times, apartMs) =>
    Promise.all(
      Array.from({ length: times }, async (_, number) => {
        await pause(number * apartMs);
        return outcomeOf(trpc.users.byId.query({ id: 123 }));
      }),
    ),
};
