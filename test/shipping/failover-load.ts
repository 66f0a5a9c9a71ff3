import type { EmbeddedAuthService } from '../../server/dev/auth-service/auth-service.ts';
import { type Browser, createBrowser } from '../support/app/browser.ts';

/** One call of the load. Times are monotonic milliseconds. `reason`: null if it succeeded. */
export type LoadCall = { kind: Kind; startMs: number; endMs: number; reason: string | null };

type Kind = 'me' | 'byId' | 'next' | 'refresh' | 'logout';

export type Turn = { key: string; assignee: number | undefined; endMs: number };

export type FailoverLoadOptions = {
  urls: readonly string[];
  authService: EmbeddedAuthService;
  callsPerSecond: number;
};

/** Technicians of TTS, who give turns. */
const people = [1, 5, 12, 23] as const;
const sessionCount = 60;
const technicians = { system: 'TTS', role: 'Technician' };
/** Of five calls. Every 20th call is a refresh, and every 50th a sign-out. */
const mixture: readonly Kind[] = ['me', 'byId', 'me', 'next', 'me'];

const reasonOf = (error: unknown): string =>
  (error as { data?: { reason?: string } }).data?.reason ?? `no reason: ${String(error)}`;

/** People who use two replicas alternately: sessions, people, turns, one refresh of each session, and sign-outs. */
export const createFailoverLoad = async ({ urls, authService, callsPerSecond }: FailoverLoadOptions) => {
  const calls: LoadCall[] = [];
  const turns: Turn[] = [];
  /** One cookie jar per session, with a client for each replica. */
  const sessions = await Promise.all(
    Array.from({ length: sessionCount }, async (_, index) => {
      const tokens = await authService.issue({ type: 'staff', id: people[index % people.length] ?? 1 });
      const browsers = urls.map((url) => createBrowser({ url }));
      const hold = (held: { access: string | undefined; refresh: string | undefined }) => {
        for (const browser of browsers) browser.holdTokens(held);
      };
      hold(tokens);
      return { browsers, hold, tokens, isSignedOut: false };
    }),
  );
  type Session = (typeof sessions)[number];
  const at = <Item>(items: readonly Item[], index: number): Item => {
    const item = items[index % items.length];
    if (item === undefined) throw new Error('There are none.');
    return item;
  };

  const run: Record<Kind, (browser: Browser, session: Session, index: number) => Promise<unknown>> = {
    me: ({ trpc }) => trpc.session.me.query(),
    byId: ({ trpc }, _session, index) => trpc.users.byId.query({ id: at(people, index) }),
    async next({ trpc }, _session, index) {
      const key = `T-${index}`;
      const { assignee } = await trpc.assignments.next.mutate({ ...technicians, key });
      turns.push({ key, assignee: assignee?.id, endMs: performance.now() });
    },
    async refresh(browser, session) {
      await browser.trpc.session.refresh.mutate();
      const { cookies } = browser;
      session.hold({ access: cookies.get('access_token'), refresh: cookies.get('refresh_token') });
    },
    logout: ({ trpc }) => trpc.session.logout.mutate(),
  };

  const call = async (kind: Kind, session: Session, index: number): Promise<void> => {
    const startMs = performance.now();
    const reason = await run[kind](at(session.browsers, index), session, index).then(() => null, reasonOf);
    calls.push({ kind, startMs, endMs: performance.now(), reason });
  };

  // Two thirds of the sessions make calls, and half of these are refreshed once. The others only sign out: a call that is
  // still on its way when its session ends would fail rightly.
  const leaving = sessions.slice(0, sessions.length / 3);
  const staying = sessions.slice(leaving.length);
  let refreshed = 0;
  let signedOut = 0;
  const callNumber = (index: number): Promise<void> => {
    const leaver = index % 50 === 49 ? leaving[signedOut] : undefined;
    if (leaver !== undefined) {
      signedOut += 1;
      leaver.isSignedOut = true;
      return call('logout', leaver, index);
    }
    if (index % 20 === 19 && refreshed < staying.length / 2) {
      refreshed += 1;
      return call('refresh', at(staying, refreshed - 1), index);
    }
    // Sessions that are not refreshed, so that a call does not race with the exchange of its tokens.
    return call(at(mixture, index), at(staying, staying.length - 1 - (index % (staying.length / 2))), index);
  };

  // The first calls fill the caches, and compile the code.
  for (const browser of at(staying, 0).browsers) {
    await browser.trpc.assignments.candidates.query(technicians);
    for (const id of people) await browser.trpc.users.byId.query({ id });
  }

  return {
    calls,
    turns,
    sessions,
    technicians,
    /**
     * Makes calls until `until` resolves, and waits for all of them. After a pause of the machine it makes none twice as
     * fast, and it has at most 50 calls open: overload is not what is tested.
     */
    async run(until: Promise<void>): Promise<{ callsPerSecond: number }> {
      const over = new AbortController();
      void until.finally(() => over.abort());
      const startMs = performance.now();
      const open = new Set<Promise<void>>();
      let dueMs = startMs;
      for (let index = 0; !over.signal.aborted; index += 1) {
        dueMs = Math.max(dueMs + 1_000 / callsPerSecond, performance.now() - 20);
        const started = callNumber(index).finally(() => open.delete(started));
        open.add(started);
        if (open.size >= 50) await Promise.race(open);
        if (dueMs > performance.now()) await new Promise((resolve) => setTimeout(resolve, dueMs - performance.now()));
      }
      await Promise.all([until, ...open]);
      return { callsPerSecond: Math.round((1_000 * calls.length) / (performance.now() - startMs)) };
    },
    /** Resolves once so many calls have ended. */
    async untilCalls(count: number): Promise<void> {
      const target = calls.length + count;
      while (calls.length < target) await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
};

export type FailoverLoad = Awaited<ReturnType<typeof createFailoverLoad>>;
