import { createAuthClient, reasonOf, type SessionSnapshot } from '../../client/src/index.ts';
import { createPageClock } from './page-clock.ts';

/** What the tests find in a page. */
export type TestPage = {
  signIn: (email?: string) => Promise<void>;
  signOut: () => Promise<void>;
  /** Tells what came of a refresh: `ok`, or the reason why not. */
  refresh: () => Promise<string>;
  /** Asks so many times, some milliseconds apart, and tells what came: `ok`, or the reason why not. */
  ask: (times: number, apartMs: number) => Promise<string[]>;
  current: () => SessionSnapshot;
  states: string[];
  signedOut: number;
  /** Time passes for the client of this page, if its URL says `?clock=page`. */
  advance: (ms: number) => void;
  /** Requests of the client without an answer so far. */
  underWay: number;
  /** Whether each showing of the page was out of the back/forward cache. */
  shown: boolean[];
};

declare global {
  // oxlint-disable-next-line no-var -- what a page has is declared so
  var testPage: TestPage;
}

const states: string[] = [];
const shown: boolean[] = [];
const { clock, advance } = createPageClock();
const { trpc, session } = createAuthClient({
  url: '/trpc',
  retry: false,
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
  current: () => session.current,
  async signIn(email = 'user@example.com') {
    await trpc.session.login.mutate({ email, password: 'staff-pass-1' });
  },
  signOut: session.signOut,
  refresh: () => outcomeOf(session.refresh()),
  ask: (times, apartMs) =>
    Promise.all(
      Array.from({ length: times }, async (_, number) => {
        await pause(number * apartMs);
        return outcomeOf(trpc.users.byId.query({ id: 123 }));
      }),
    ),
};
