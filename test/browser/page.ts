import { createAuthClient, reasonOf, type SessionSnapshot } from '../../client/src/index.ts';

/** What the tests find in a page. */
export type TestPage = {
  signIn: () => Promise<void>;
  signOut: () => Promise<void>;
  /** Asks so many times, some milliseconds apart, and tells what came: `ok`, or the reason why not. */
  ask: (times: number, apartMs: number) => Promise<string[]>;
  current: () => SessionSnapshot;
  states: string[];
  signedOut: number;
};

declare global {
  // oxlint-disable-next-line no-var -- what a page has is declared so
  var testPage: TestPage;
}

const states: string[] = [];
const { trpc, session } = createAuthClient({
  url: '/trpc',
  retry: false,
  onSessionChange: ({ state }) => void states.push(state),
  onSignedOut: () => {
    globalThis.testPage.signedOut += 1;
  },
});

const pause = (ms: number) => new Promise((resolve) => void setTimeout(resolve, ms));

globalThis.testPage = {
  states,
  signedOut: 0,
  current: () => session.current,
  async signIn() {
    await trpc.session.login.mutate({ email: 'user@example.com', password: 'staff-pass-1' });
  },
  signOut: session.signOut,
  ask: (times, apartMs) =>
    Promise.all(
      Array.from({ length: times }, async (_, number) => {
        await pause(number * apartMs);
        return trpc.users.byId.query({ id: 123 }).then(
          () => 'ok',
          (error: unknown) => String(reasonOf(error) ?? error),
        );
      }),
    ),
};
