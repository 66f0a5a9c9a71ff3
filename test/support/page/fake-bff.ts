import { initTRPC, TRPCError, tracked } from '@trpc/server';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import superjson from 'superjson';
import { z } from 'zod';
import { codeOfReason, type ErrorData, httpStatusOfCode, type Reason } from '../../../shared/src/index.ts';
import { abortable } from '../../../client/src/abortable.ts';
import type { AuthFetch } from '../../../client/src/transport.ts';

export const john = { id: 123, type: 'staff', email: 'john@example.com', fullName: 'John Doe' } as const;
export const ethan = { id: 2, type: 'staff', email: 'ethan@example.com', fullName: 'Ethan Caldwell' } as const;
const people = [john, ethan];
type Person = (typeof people)[number];

/** A session through all its tokens. */
type Chain = { person: Person; isEnded: boolean };
type Access = { chain: Chain; expiresAtMs: number; lifetimeMs: number };
type Refresh = { chain: Chain; exchanged: { pair: Pair; atMs: number } | null };
type Pair = { access: Access; refresh: Refresh };
/** The cookies of a browser, shared by its tabs. */
export type Jar = { access: Access | null; refresh: Refresh | null };

type Context = { jar: Jar; headers: Headers };

class Refusal extends TRPCError {
  readonly reason: Reason;
  readonly retryAfterSeconds: number | undefined;
  constructor(reason: Reason, retryAfterSeconds?: number) {
    super({ code: codeOfReason[reason], message: `Refused: ${reason}` });
    this.reason = reason;
    this.retryAfterSeconds = retryAfterSeconds;
  }
}

export const refusal = (reason: Reason, retryAfterSeconds?: number): Error => new Refusal(reason, retryAfterSeconds);

const t = initTRPC.context<Context>().create({
  transformer: superjson,
  isDev: false,
  errorFormatter: ({ shape, error }) => {
    const { reason, retryAfterSeconds } = error instanceof Refusal ? error : new Refusal('internal');
    const code = codeOfReason[reason];
    const data: ErrorData = { code, httpStatus: httpStatusOfCode[code], reason };
    return { ...shape, data: retryAfterSeconds === undefined ? data : { ...data, retryAfterSeconds } };
  },
});

export type FakeBffOptions = {
  now: () => number;
  /** Default 900. */
  lifetimeSeconds?: number;
  /** Seconds before expiry at which to refresh, as the server says. Default 300, at most half of the lifetime. */
  thresholdSeconds?: number;
  /** Whether the Auth Service refuses a refresh once the access token has expired, as the deployed one does. Default false. */
  refusesAfterExpiry?: boolean;
};

/** A request. `path`: one procedure such as `session.refresh`, or a batch such as `users.byId,users.byId`. */
export type Asked = { path: string; calls: string[]; method: string; request: Request };
/** Answers instead of the BFF. Null: the BFF answers. */
export type Intercept = (asked: Asked) => Response | null | Promise<Response | null>;

/**
 * Simulates a BFF and its Auth Service in this process, with the clock of the test, as far as the client package depends
 * on them. A refresh token works once; repeating it within 30 s returns the same result.
 */
export const createFakeBff = ({
  now,
  lifetimeSeconds = 900,
  thresholdSeconds = 300,
  refusesAfterExpiry = false,
}: FakeBffOptions) => {
  const asked: Asked[] = [];
  let exchanges = 0;
  const state = {
    /** Milliseconds that the server's clock is ahead of the test's. */
    aheadMs: 0,
    lifetimeSeconds,
    intercept: null as Intercept | null,
    /** Thrown by each procedure that is neither of `session` nor of `status`. */
    failure: null as Error | null,
    /** Awaited by each exchange after the Auth Service has done it. */
    exchangeHeld: Promise.resolve() as Promise<unknown>,
  };
  const serverNow = () => now() + state.aheadMs;

  const issue = (chain: Chain): Pair => {
    const lifetimeMs = state.lifetimeSeconds * 1000;
    return {
      access: { chain, lifetimeMs, expiresAtMs: serverNow() + lifetimeMs },
      refresh: { chain, exchanged: null },
    };
  };
  const announce = ({ chain: { person }, expiresAtMs, lifetimeMs }: Access, headers: Headers) => {
    const leftMs = expiresAtMs - serverNow();
    const inSeconds = (ms: number) => String(Math.max(0, Math.floor(ms / 1000)));
    headers.set('x-session-expires-in', inSeconds(leftMs));
    headers.set('x-session-refresh-in', inSeconds(leftMs - Math.min(thresholdSeconds * 1000, lifetimeMs / 2)));
    headers.set('x-session-user', `${person.type}:${person.id}`);
  };
  const view = ({ chain: { person }, expiresAtMs }: Access) => ({
    user: person,
    systems: [],
    roles: [],
    expiresAt: new Date(expiresAtMs),
    refreshAt: new Date(expiresAtMs),
  });
  const enter = ({ jar, headers }: Context, pair: Pair) => {
    jar.access = pair.access;
    jar.refresh = pair.refresh;
    announce(pair.access, headers);
    return view(pair.access);
  };

  const signedIn = t.procedure.use(async ({ ctx, next }) => {
    const { access, refresh } = ctx.jar;
    if (access === null) throw new Refusal(refresh === null ? 'no_token' : 'token_expired');
    if (access.chain.isEnded) throw new Refusal('session_ended');
    if (access.expiresAtMs <= serverNow()) throw new Refusal('token_expired');
    announce(access, ctx.headers);
    return next({ ctx: { access } });
  });
  const working = signedIn.use(({ next }) => {
    if (state.failure !== null) throw state.failure;
    return next();
  });

  /** Who is signed in, if anybody. An expired token is not asked whether its session was ended. */
  const describe = ({ jar: { access, refresh }, headers }: Context) => {
    const isExpired = access === null || access.expiresAtMs <= serverNow();
    if (isExpired || access.chain.isEnded) return { state: isExpired && refresh !== null ? 'expired' : 'signed_out' };
    announce(access, headers);
    return { state: 'signed_in', session: view(access) };
  };

  const refresh = async (ctx: Context) => {
    const { refresh: old, access } = ctx.jar;
    if (old === null) throw new Refusal('no_token');
    const { chain } = old;
    const isTooLate = refusesAfterExpiry && (access === null || access.expiresAtMs <= serverNow());
    if (chain.isEnded || isTooLate) throw new Refusal('session_ended');
    if (old.exchanged === null) {
      exchanges += 1;
      old.exchanged = { pair: issue(chain), atMs: serverNow() };
    } else if (serverNow() - old.exchanged.atMs > 30_000) throw new Refusal('refresh_superseded');
    const { pair } = old.exchanged;
    await state.exchangeHeld;
    if (chain.isEnded) throw new Refusal('session_ended');
    return enter(ctx, pair);
  };

  /** A browser of this world is the only one of its person, so that "everywhere" is here. */
  const signOut = t.procedure.mutation(({ ctx: { jar } }) => {
    for (const token of [jar.access, jar.refresh]) if (token !== null) token.chain.isEnded = true;
    jar.access = null;
    jar.refresh = null;
    return null;
  });

  const notes: string[] = [];
  let events: { id: string; text: string }[] = [];
  const byId = z.object({ id: z.number() });
  const router = t.router({
    session: t.router({
      current: t.procedure.query(({ ctx }) => describe(ctx)),
      me: signedIn.query(({ ctx }) => view(ctx.access)),
      refresh: t.procedure.mutation(({ ctx }) => refresh(ctx)),
      login: t.procedure.input(z.object({ email: z.string() })).mutation(({ ctx, input }) => {
        const person = people.find(({ email }) => email === input.email);
        if (person === undefined) throw new Refusal('bad_credentials');
        return { status: 'signed_in', session: enter(ctx, issue({ person, isEnded: false })) };
      }),
      logout: signOut,
      logoutEverywhere: signOut,
    }),
    users: t.router({ byId: working.input(byId).query(({ input }) => ({ id: input.id })) }),
    status: t.router({ get: t.procedure.query(() => ({ authService: 'up' })) }),
    notes: t.router({
      add: working.input(z.string()).mutation(({ input }) => {
        notes.push(input);
        return notes.length;
      }),
    }),
    events: signedIn
      .input(z.object({ lastEventId: z.string().optional() }).optional())
      .subscription(async function* subscribe({ ctx, input, signal }) {
        const after = input?.lastEventId === undefined ? -1 : events.findIndex(({ id }) => id === input.lastEventId);
        for (const event of events.slice(after + 1)) yield tracked(event.id, event.text);
        // A stream outlives no token.
        while (ctx.access.expiresAtMs > serverNow()) {
          if (signal?.aborted) return;
          await new Promise((resolve) => void setTimeout(resolve, 0));
        }
        throw new Refusal('token_expired');
      }),
  });

  /** One browser: a jar, and the fetch of its tabs. */
  const openBrowser = () => {
    const jar: Jar = { access: null, refresh: null };
    const fetch: AuthFetch = async (input, init) => {
      const request = new Request(typeof input === 'string' ? new URL(input, 'https://app.test') : input, init);
      const path = new URL(request.url).pathname.replace('/trpc/', '');
      const ask: Asked = { path, calls: path.split(','), method: request.method, request };
      asked.push(ask);
      const instead = await abortable(Promise.resolve(state.intercept?.(ask) ?? null), request.signal);
      if (instead !== null) return instead;
      const headers = new Headers();
      // Uses the cookies that were sent, because the jar may change before they are read.
      const presented: Jar = { ...jar };
      const before = presented.refresh;
      const answer = await fetchRequestHandler({
        endpoint: '/trpc',
        req: request,
        router,
        createContext: () => ({ jar: presented, headers }),
        responseMeta: () => ({ headers }),
      });
      const isStreamed = answer.headers.get('content-type')?.startsWith('text/event-stream');
      // Stores only cookies of completed responses: the response to an aborted request sets none.
      if (!isStreamed && !request.signal.aborted && presented.refresh !== before) Object.assign(jar, presented);
      if (request.signal.aborted) throw request.signal.reason;
      return answer;
    };
    return {
      jar,
      fetch,
      signIn: (person: Person = john) => void Object.assign(jar, issue({ person, isEnded: false })),
    };
  };

  return {
    asked,
    notes,
    router,
    openBrowser,
    /** Simulated faults and delays. May be changed at any time. */
    state,
    /** Refresh tokens that the Auth Service has exchanged. */
    exchanges: () => exchanges,
    /** Requests that asked for this path. */
    count: (path: string) => asked.filter((ask) => ask.path === path).length,
    /** Number of calls of this path, in all batches. */
    callCount: (path: string) => asked.flatMap(({ calls }) => calls).filter((call) => call === path).length,
    publish: (...next: { id: string; text: string }[]) => {
      events = [...events, ...next];
    },
  };
};

export type FakeBff = ReturnType<typeof createFakeBff>;
export type FakeBrowser = ReturnType<FakeBff['openBrowser']>;
