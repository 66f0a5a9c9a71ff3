import {
  maxCallsPerBatch,
  requestIdHeader,
  type Session,
  sessionExpiresInHeader,
  sessionRefreshInHeader,
  sessionUserHeader,
  toPersonText,
  trpcPath,
} from '@auth-bff/shared';
import { fetchRequestHandler } from '@trpc/server/adapters/fetch';
import { serialize } from 'superjson';
import { abortable } from '../abortable.ts';
import type { AuthFetch } from '../transport.ts';
import { assertWebApis } from './assert-web-apis.ts';
import { createCallRunner } from './call-runner.ts';
import { assertProcedurePath, type Inputs, type procedureRules, type ProcedurePath, rules } from './procedure-rules.ts';
import { isRouted, readCalls, readRequest, rejectMalformed, requestIdOf, type TestRequest } from './read-request.ts';
import { createSessionProcedures } from './session-procedures.ts';
import { type FailureReason, isTestError, type TestError, testError } from './test-error.ts';
import { functionsOf, type TestProcedures } from './test-procedures.ts';
import { createTestRouter, type TestContext, toErrorShape } from './test-router.ts';
import { createSessionState, type TestSession } from './test-session.ts';

export type TestBffOptions = {
  /** The procedures that the test needs. A call of any other fails with `no_such_procedure`, except those of `session`. */
  procedures?: TestProcedures;
  /** The session at the start. Default null: a visitor without a session. */
  session?: TestSession | null;
  /** Milliseconds since the epoch, by which sessions expire. Default: `Date.now`, also if a test replaces it. */
  now?: () => number;
};

type InputOf<Path extends ProcedurePath> = Path extends `${infer Router extends keyof Inputs}.${infer Name}`
  ? Name extends keyof Inputs[Router]
    ? Inputs[Router][Name]
    : never
  : never;

/** A call that the test BFF has received. */
export type TestCall = {
  [Path in ProcedurePath]: { path: Path; type: (typeof procedureRules)[Path]['type']; input: InputOf<Path> };
}[ProcedurePath];

/** A BFF in memory, with the session of one browser. */
export type TestBff = {
  /** Answers like the BFF. For the `fetch` option of the client, and for libraries that mock requests. */
  fetch: AuthFetch;
  /** Signs this person in, in place of anyone else. Returns the session. */
  signIn: (person: TestSession) => Session;
  /** Ends the session on the server, as a sign-out elsewhere does: the next call is refused, and so is a refresh. */
  signOut: () => void;
  /** Ends the lifetime of the access token: the next call fails with `token_expired`, and a refresh renews the session. */
  expire: () => void;
  /**
   * Lets each call of the procedure fail with this reason or error, until it is called with null. `*`: each call of any
   * procedure. `network`: the request gets no response.
   */
  fail: (path: ProcedurePath | '*', reason: FailureReason | TestError | null) => void;
  /** The calls received, in order, also those that failed. The array stays the same. */
  readonly calls: readonly TestCall[];
  /** Starts over: the session of the options, no failures, no calls. */
  reset: () => void;
};

const announce = (headers: Headers, { user, expiresAt, refreshAt }: Session, nowMs: number): void => {
  const secondsUntil = (time: Date) => String(Math.max(0, Math.floor((time.getTime() - nowMs) / 1000)));
  headers.set(sessionExpiresInHeader, secondsUntil(expiresAt));
  headers.set(sessionRefreshInHeader, secondsUntil(refreshAt));
  headers.set(sessionUserHeader, toPersonText(user));
};

/** What `fetch` rejects with if there is no response. */
const networkError = (): TypeError => new TypeError('Failed to fetch');

/**
 * Creates a BFF for tests, which answers in memory. It has no timers and nothing to dispose of. Throws if the environment has
 * no `Response`, `Request`, `Headers` or `TextEncoder`.
 */
export const createTestBff = (options: TestBffOptions = {}): TestBff => {
  assertWebApis();
  const { procedures = {}, session: initial = null, now = () => Date.now() } = options;
  const functions = functionsOf(procedures);
  const state = createSessionState(now, initial);
  const sessionProcedures = createSessionProcedures({ state, initial, functions });
  const failures = new Map<string, TestError>();
  const calls: TestCall[] = [];
  const router = createTestRouter(createCallRunner({ functions, sessionProcedures, state, failures }));
  let requests = 0;

  const record = (request: TestRequest): number => {
    const received = readCalls(request);
    for (const { path, input } of received) {
      const type = rules.get(path)?.type ?? (request.method === 'POST' ? 'mutation' : 'query');
      calls.push({ path, type, input } as TestCall);
    }
    return received.length;
  };

  const reject = (request: TestRequest, error: unknown): Response => {
    if (!isTestError(error)) throw error;
    const shape = toErrorShape(error);
    const headers: Record<string, string> = { 'content-type': 'application/json; charset=utf-8' };
    if (error.reason === 'method_not_allowed') headers.allow = 'GET, HEAD, POST';
    // A HEAD response has no body.
    const body = request.method === 'HEAD' ? null : JSON.stringify({ error: serialize(shape) });
    return new Response(body, { status: shape.data.httpStatus, headers });
  };

  const serve = async (request: TestRequest): Promise<Response> => {
    requests += 1;
    const requestId = requestIdOf(request, `test-${requests}`);
    const session = state.current();
    const context: TestContext = {
      callCount: 1,
      isStreaming: /jsonl/.test(request.headers.get('trpc-accept') ?? request.headers.get('accept') ?? ''),
      session,
      retryAfterSeconds: null,
      isCutOff: false,
    };
    const finish = (headers: Headers): void => {
      headers.set(requestIdHeader, requestId);
      headers.set('cache-control', 'no-store');
      if (context.retryAfterSeconds !== null) headers.set('retry-after', String(context.retryAfterSeconds));
      if (context.session !== null && isRouted(request)) announce(headers, context.session, now());
    };

    try {
      rejectMalformed(request);
    } catch (error) {
      const response = reject(request, error);
      finish(response.headers);
      return response;
    }
    context.callCount = record(request);
    const { method, path, search, headers, body } = request;
    const response = await fetchRequestHandler({
      endpoint: trpcPath,
      req: new Request(`http://bff.test${trpcPath}/${path}${search}`, {
        method,
        // As entries: in jsdom these are not the headers of `Request`.
        headers: [...headers],
        ...(method === 'POST' ? { body } : {}),
      }),
      router,
      maxBatchSize: maxCallsPerBatch,
      createContext: () => context,
    });
    if (context.isCutOff) throw networkError();
    const { status } = response;
    const finished = new Response(response.body, { status, headers: response.headers });
    finish(finished.headers);
    // tRPC sends the error of a request that it cannot read as text.
    if (finished.headers.get('content-type')?.startsWith('text/plain')) {
      finished.headers.set('content-type', 'application/json');
    }
    return finished;
  };

  return {
    fetch: async (input, init) => {
      const reading = readRequest(input, init);
      // Recorded before the first wait, so that calls are in the order in which they were made.
      const request = reading instanceof Promise ? await reading : reading;
      if (request.signal?.aborted) throw request.signal.reason;
      return abortable(serve(request), request.signal);
    },
    signIn(person) {
      const session = state.signIn(person);
      sessionProcedures.remember(person);
      return session;
    },
    signOut: state.end,
    expire: state.expire,
    fail(path, reason) {
      if (path !== '*') assertProcedurePath(path, 'fail');
      if (reason === null) failures.delete(path);
      else failures.set(path, isTestError(reason) ? reason : testError(reason));
    },
    calls,
    reset() {
      sessionProcedures.forget();
      failures.clear();
      calls.length = 0;
      state.reset();
    },
  };
};
